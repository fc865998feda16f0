"""Small typed clients of the products' own HTTP APIs: one file a product, one method a question.

They read; the few writes are a test alert and the reload of provisioning. They hold no judgement: what an
answer means is for the checks to say.
"""

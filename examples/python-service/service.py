"""A shop with three metrics: orders by what became of them, how long they take, how many are at work."""

import time

from fastapi import FastAPI, HTTPException, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

ORDERS = Counter("shop_orders_total", "Orders by what became of them.", ["outcome"])
SECONDS = Histogram(
    "shop_order_duration_seconds", "Seconds that an order takes.", buckets=(0.01, 0.05, 0.1, 1)
)
WORKING = Gauge("shop_orders_working", "Orders at work at this moment.")
for outcome in ("accepted", "refused"):
    ORDERS.labels(outcome)  # there from the start, so that the first one counts as an increase

app = FastAPI()


@app.post("/orders/{item}")
def order(item: str) -> dict[str, str]:
    with WORKING.track_inprogress(), SECONDS.time():
        time.sleep(len(item) / 1000)
        if item == "nothing":
            ORDERS.labels("refused").inc()
            raise HTTPException(404, "we do not sell that")
        ORDERS.labels("accepted").inc()
        return {"ordered": item}


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

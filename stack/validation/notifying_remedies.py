"""What helps against what amtool says of Alertmanager's files: patterns of its sentences, and remedies. Pure."""

from __future__ import annotations

FILE = "in a receiver of settings it is the word for its file, such as url_file or token_file"
MATCHER = 'a matcher is LABEL="VALUE", with =, !=, =~ or !~, in quotes as a whole: \'severity="critical"\''
RANGE = "a range is FIRST:LAST, such as monday:friday, 1:5 or -3:-1"
TIMES = "times are start_time: 09:00 and end_time: 17:00, the earlier first; 24:00 ends a day"
HTTP = "http_config logs in by one of authorization, basic_auth and oauth2, each with one kind of each secret"
NOTIFYING = (
    # what stands where it does not belong
    (r"this Alertmanager has no integration (\w+)", r"correct \1, docs/receivers.md lists them; or run a newer image"),
    (r"field (\w+) not found in type", r"there is no \1 at that place: correct its name (docs/receivers.md)"),
    (r"cannot unmarshal !!(?:map|seq)", "a single value belongs there: no list, no table"),
    (r"cannot unmarshal !!str .* into (?:u?int|float)\w*", "a number without quotes belongs there"),
    (r"cannot unmarshal !!str .* into bool", "true or false, without quotes, belongs there"),
    (r"cannot unmarshal", "another kind of value belongs there: as docs/receivers.md has it"),
    # routes
    (r"no routes? provided", "write route: with the receiver of all that no other route takes"),
    (r"root route must specify a default receiver", "route: needs receiver:, for all that no other route takes"),
    (
        r"(?:cannot have (continue) in|root route must not have any ([\w ]+))",
        "the root route takes everything at all times: move it to a route below routes:",
    ),
    (r'undefined receiver "([^"]*)"', r"add a receiver named \1 under receivers:, or correct the route"),
    (r'undefined time interval "([^"]*)"', r"add an interval named \1 under time_intervals:, or correct the route"),
    (r"wildcard group_by", "group_by: ['...'] stands alone: take the other labels away, or the wildcard"),
    (r'duplicated label "([^"]*)" in group_by', r"name \1 once"),
    (r"(group|repeat)_interval cannot be zero", r"\1_interval is 1s at least"),
    (r"invalid label name", "the name of a label is of letters, digits and _, and begins with no digit"),
    # names
    (r"missing name in (?:mute )?(time interval|receiver)", r"give each \1 its name"),
    (r"notification config name .* is not unique", "two receivers have one name: rename one, and the routes to it"),
    (r"time interval .* is not unique", "two time intervals have one name: rename one of them"),
    (r'receiver label "name"', "take the label name away: it is the receiver's own name"),
    # what an integration lacks, or has twice
    (r"missing (?!to\b)(\w+) config$", r"an entry of \1_configs is empty: give it options, or remove it"),
    (r"no Slack API URL nor App token", "url_file (api_url_file) or token_file (app_token_file) in the receiver"),
    (
        r"no (\w+) webhook URL or URLFile provided|missing webhook_url or webhook_url_file",
        "webhook_url_file in the receiver (url_file in settings) names the file with its address",
    ),
    (r"missing chat_id", "chat (chat_id) in the receiver is the number of the chat"),
    (r"missing bot_token", "token_file (bot_token_file) in the receiver names the file with the bot's token"),
    (r"service or routing key in PagerDuty", "key_file (routing_key_file) in the receiver names the file with its key"),
    (r"Routing key in VictorOps", "routing_key in the receiver says whom it is for"),
    (r"missing room_id", "room (room_id) in the receiver is the id of the room"),
    (r"webex_configs\.http_config\.authorization", "token_file in the receiver names the file with the bot's token"),
    (r"must provide either a Target ARN", "topic (topic_arn), target_arn or phone_number in the receiver says whom"),
    (r"missing to address", "to in the receiver says whom: NAME@HOST"),
    (r"missing (\w+) in jira_config", r"\1 in the receiver says which"),
    (r"missing ([\w ]+) in (\w+ \w+) configuration", r"give each \2 its \1"),
    (r"at least one of id, username or name", "give each responder its id, username or name"),
    (r"exactly one of (\w+) or (\w+) must be", "a certificate goes with its key: cert_file and key_file of tls_config"),
    (r"at (?:most|least) one of (basic_auth|oauth2|bearer_token|authorization)\b", HTTP),
    (r"authorization is not compatible|authorization type cannot be", HTTP),
    (r"oauth2 (client_id|token_url) must be", r"oauth2 needs \1"),
    (r"valid signature algorithms", "signature_algorithm is RS256, RS384 or RS512"),
    (r"at most one of (.+?) must be configured", r"keep one of \1"),
    (r"(?:at least )?one of (.+?) must be configured", rf"add one of \1; {FILE}"),
    (r"cannot specify (\w+) .* when using (\S+)", r"keep one of \1 and \2"),
    (r"http authorization can't be set when", "http_config.authorization goes: the app's token is the login"),
    (r"update_message can only be used", "update_message needs token_file (app_token_file), or goes"),
    (r"if no_proxy is|if proxy_", "http_config has proxy_url (with no_proxy), or else proxy_from_environment"),
    (r"threading\.enabled conflicts with custom ([\w-]+)", r"take the header \1 away, or threading"),
    (r"thread_by_date must be", "thread_by_date is none or daily"),
    (r"duplicate header", "name each header once, whatever its capitals"),
    (r"which cannot be used as it conflicts", "give that custom field another name"),
    (r"unknown (\w+) on \w+, must be (.+)", r"\1 is one of \2"),
    (r"does not match valid options", "correct its type: it is one of those that the message names"),
    # values
    (
        r"port cannot be empty|missing port in address|too many colons",
        "an address of a relay is HOST:PORT, such as smtp.example.com:587, with no login and no scheme",
    ),
    (r"missing host for URL|invalid URL", "a whole address: https://HOST/..."),
    (r"template syntax|not a valid template|template: ", "correct the template at the place that the message names"),
    (r"empty duration|unknown unit|duration out of range", "a duration has a number and its unit: 15s, 5m, 1h"),
    (r"TLS version", "a version is TLS10, TLS11, TLS12 or TLS13"),
    (r"max_version must be", "max_version is min_version at least"),
    (r"invalid regexp value|error parsing regexp", "correct the regular expression (RE2: no look-around)"),
    # matchers and times
    (r"matcher|expected (?!tracing)|end of input|bad matcher|open or close brace|invalid UTF-8|^\S*0:\d+: ", MATCHER),
    (r"start and end times|start time cannot|timestamp", TIMES),
    (r"parse range|out of range|valid (?:week)?day|valid month|(?:start|end) (?:day|month|year)", RANGE),
    (r"time zone|ZONEINFO", "a location is one of the list of time zones, such as Europe/Berlin"),
    (r"tracing|compression type", "tracing: needs client_type (http or grpc), endpoint, and compression gzip or none"),
)  # fmt: skip

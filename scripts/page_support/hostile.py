"""Logs as somebody would write them who wants the page to run something, to look otherwise than it is, or to stand still."""

import json

STREAM = "kube.var.log.containers.web-0_shop_web-" + "a" * 64 + ".log"
SCRIPT = "window.attacked = true"

# Each with what the page shows of it.
LINES = [
    (f"<script>{SCRIPT}</script>", f"<script>{SCRIPT}</script>"),
    (f"</script><script>{SCRIPT}</script>", f"</script><script>{SCRIPT}"),
    (f'<img src=x onerror="{SCRIPT}">', "<img src=x onerror="),
    (f"<svg/onload={SCRIPT}>", "<svg/onload="),
    ("</pre></body><!-- <style>*{display:none}</style>", "</pre></body><!--"),
    (f"javascript:{SCRIPT} data:text/html,<script>{SCRIPT}</script>", "javascript:window"),
    ("{{constructor.constructor('x')()}} ${7*7} &lt;b&gt;", "${7*7} &lt;b&gt;"),
    ("turned \u202egnp.exe\u202c and \u2066isolated\u2069", "turned ⟨U+202E⟩gnp.exe⟨U+202C⟩"),
    ("nul \0 and bell \a", "nul ␀ and bell ␇"),
    ("\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07", "␛[31mred␛[0m"),
    ("zero\u200bwidth\ufeff \u2028 \u00ad", "zero⟨U+200B⟩width⟨U+FEFF⟩ ⟨U+2028⟩ ⟨U+00AD⟩"),
    ("family \U0001f468\u200d\U0001f469\u200d\U0001f467", "family \U0001f468\u200d\U0001f469"),
    ('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"message":"proto"}', '{"__proto__":{"polluted":true}'),
    ("combining " + "a\u0301" * 300, "combining"),
    ("long " + "x" * 1_000_000 + " end", "long xxx"),
]


def event():
    """An event of CloudWatch Logs with these lines, in records of Fluent Bit whose metadata is as bad."""
    markup = f"<img src=x onerror={SCRIPT}>"
    kubernetes = {
        "pod_name": "web-0", "namespace_name": "shop", "container_name": "web",
        "labels": {"__proto__": "x", "team": markup, "tags.datadoghq.com/service": markup, "long": "y" * 5000, "quote": '"><b>'},
        "annotations": {"a": "</script>"},
    }
    message = lambda line: json.dumps({"log": line, "stream": "stdout", "kubernetes": kubernetes}, ensure_ascii=False)
    messages = [message(line) for line, _ in LINES]
    # Half of a character, which is no text but can be spelled in JSON.
    messages.append('{"log":"half \\ud83d of one","stream":"stdout"}')
    events = [{"id": f"{number:056}", "timestamp": 1_772_359_200_000 + number, "message": text} for number, text in enumerate(messages)]
    return json.dumps({
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": f"/aws/{markup}", "logStream": STREAM,
        "subscriptionFilters": ["f"], "logEvents": events,
    })


def logs():
    """Logs as the intake gets them, whose members are not what they should be."""
    markup = f"<img src=x onerror={SCRIPT}>"
    return [
        {"message": "tags", "ddtags": f"__proto__:x,constructor:y,kube_namespace:{markup},toString:1,:,x:,{'t' * 20000}:v", "status": markup, "service": "__proto__"},
        {"message": {"not": "a text"}, "ddtags": ["no", "text"], "service": 5, "status": None, "timestamp": "x", markup: markup},
        {"message": "far", "timestamp": 9_000_000_000_000_000, "status": "constructor", "service": "hasOwnProperty"},
        {"message": "before", "timestamp": -9_000_000_000_000_000, "ddsource": "\u202eevil"},
        {"message": "deep", "x": json.loads("[" * 100 + "]" * 100), "timestamp": 1},
        {},
    ]

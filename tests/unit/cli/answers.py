"""The lines in which a daemon tells what becomes of instances (docs/reference/control-api.md)."""


def transition(instance_id, state, reason=""):
    return {
        "event": "transition",
        "instance_id": instance_id,
        "state": state,
        "reason": reason,
        "at": 1795332781.2504,
    }


def result(instance_id, *, ok=True, state="up", reason="", took_s=0.052, timed_out=False):
    return {
        "event": "result",
        "instance_id": instance_id,
        "ok": ok,
        "state": state,
        "reason": reason,
        "took_s": took_s,
        "timed_out": timed_out,
    }

# SPDX-License-Identifier: Apache-2.0
"""Asynchronous work: what it needs lives until a completion queue says that it is done.

The library can call back instead, from threads of its own. An interpreter had better not have that: its code would
wait there for the interpreter's lock, and be called when the interpreter is gone.
"""
import atexit
import collections
import ctypes
import itertools
import os
import time

from .library import Object, Timeout, api, call, error_of, errors, make

_FOREVER = api.described["constants"]["COP_NO_TIMEOUT"]["value"]
_keys = itertools.count(1)
_waiting = {}  # by key: the queue that will tell, what it tells, and what has to live until then
_own = {}      # the queue and the token of invocations that were given none
_exiting = False


def nanoseconds(timeout):
    """Of seconds, or None for ever."""
    return _FOREVER if timeout is None else int(min(timeout * 1e9, _FOREVER))


class Cancel(Object):
    """A token: request() ends all invocations and waits that were given it."""

    def __init__(self):
        super().__init__(make("cop_cancel", "cop_cancel_create"))

    def request(self):
        api.cop_cancel_request(self.reference)


class CompletionQueue(Object):
    """For event loops: readable, as a file, while an invocation that was given it is done and not yet taken."""

    def __init__(self):
        super().__init__(make("cop_completion_queue", "cop_completion_queue_create"))

    def fileno(self):
        return api.cop_completion_queue_fd(self.reference)

    def __iter__(self):
        """Takes all that is done: (user, None), or (user, an Error)."""
        return _take(self.reference)


def _take(queue):
    done, error = api.structs["cop_completion"](), api.structs["cop_error"]()
    while not api.cop_completion_queue_next(queue, ctypes.byref(done), ctypes.byref(error)):
        entry = _waiting.pop(done.user, None)
        if entry:
            yield entry[1], error_of(done.outcome) if done.outcome.status else None
    if errors[error.status] is not Timeout:  # of a queue that was made before a fork
        raise error_of(error)


def begin(options, queue, user, cancel, references):
    """Fills in whom an invocation tells, and what ends it, and keeps what it needs; returns a key for `forget`."""
    if _exiting:
        raise RuntimeError("the interpreter exits: nothing new begins")
    reap()
    queue = (queue or _own.get("queue") or _own.setdefault("queue", CompletionQueue())).reference
    token = (cancel or _own.get("token") or _own.setdefault("token", Cancel())).reference
    key = next(_keys)
    options.completions, options.cancel, options.user = queue.handle, token.handle, key
    _waiting[key] = queue, user, references, token
    return key


def forget(key):
    """The invocation did not come about."""
    _waiting.pop(key, None)


def reap():
    """Drops what invocations needed that are done and have no queue of the caller's."""
    if "queue" in _own:
        collections.deque(_own["queue"], maxlen=0)


def wait_all(op=None, timeout=None, cancel=None):
    """Waits for the asynchronous invocations of an operator, or of all; raises the first failure there is."""
    try:
        call("cop_wait_all", op and op.reference, nanoseconds(timeout), cancel and cancel.reference)
    finally:
        reap()


def _finish():
    """At exit: nothing may write to Python's memory any more when that goes."""
    global _exiting
    _exiting = True
    for _, _, _, token in list(_waiting.values()):
        api.cop_cancel_request(token)
    api.cop_wait_all(None, _FOREVER, None, None)
    until = time.monotonic() + 10
    while _waiting and time.monotonic() < until:  # what is done is told a moment later
        for queue in {entry[0] for entry in list(_waiting.values())}:
            collections.deque(_take(queue), maxlen=0)
        time.sleep(0.001)


def _forget_parent():
    """In a forked child: what was pending is the parent's, and so are the queues."""
    _own.clear()
    _waiting.clear()


atexit.register(_finish)
os.register_at_fork(after_in_child=_forget_parent)

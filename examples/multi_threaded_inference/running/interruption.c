// SPDX-License-Identifier: Apache-2.0
#include "running/interruption.h"

#include "running/session.h"

static void *watch(void *argument)
{
    struct interruption *self = argument;
    int number;
    while (sigwait(&self->signals, &number) == 0 && !atomic_load(&self->is_over)) {
        if (interruption_came(self)) { /* once more: as if we had done nothing about it */
            pthread_sigmask(SIG_UNBLOCK, &self->signals, NULL);
            raise(number);
        }
        cop_cancel_request(self->cancel);
    }
    return NULL;
}

bool interruption_begin(struct interruption *interruption, struct failure *failure)
{
    struct sigaction action;
    cop_error error;
    *interruption = (struct interruption){0};
    if (cop_cancel_create(&interruption->cancel, &error))
        return session_failure(failure, &error);
    if (sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
        return true;
    sigemptyset(&interruption->signals);
    sigaddset(&interruption->signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interruption->signals, NULL);
    interruption->has_thread =
        pthread_create(&interruption->thread, NULL, watch, interruption) == 0;
    if (!interruption->has_thread) /* Ctrl-C then does what it always does */
        pthread_sigmask(SIG_UNBLOCK, &interruption->signals, NULL);
    return true;
}

bool interruption_came(const struct interruption *interruption)
{
    return cop_cancel_is_requested(interruption->cancel);
}

void interruption_end(struct interruption *interruption)
{
    if (interruption->has_thread) {
        atomic_store(&interruption->is_over, true);
        pthread_kill(interruption->thread, SIGINT);
        pthread_join(interruption->thread, NULL);
    }
    cop_cancel_release(&interruption->cancel);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one handler that interrupts: SIGBUS cannot wait for its turn, as other
 * signals do (core/proc/signal.c).
 */
#include "core/os/mapped.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

/* Of this thread: where its mapped_try goes on; NULL: there is none. */
static _Thread_local sigjmp_buf *way_out;


/* The signal comes from an instruction of read itself, never between those of
 * a library's that changes its own state, so that a jump is safe. */
static void
on_bus_error(int number)
{
    if (way_out != NULL)
        siglongjmp(*way_out, 1);
    signal(number, SIG_DFL); /* happens again at once, and ends the process */
}


void
mapped_init(void)
{
    /* not blocked while it is handled: the jump restores no mask */
    struct sigaction action
        = { .sa_handler = on_bus_error, .sa_flags = SA_NODEFER };

    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}


bool
mapped_try(void (*read)(void *arg), void *arg)
{
    sigjmp_buf here;

    if (sigsetjmp(here, 0) != 0) {
        way_out = NULL;
        return false;
    }
    way_out = &here;
    read(arg);
    way_out = NULL;
    return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only signal handler that interrupts the process: SIGBUS cannot be queued
 * as other signals are (core/proc/signal.c).
 */
#include "core/os/mapped.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

/* The jump target of mapped_try in this thread; NULL: none is active. */
static _Thread_local sigjmp_buf *way_out;


/* The signal is raised by an instruction of read itself, not within a library
 * function that changes its own state, so the jump is safe. */
static void
on_bus_error(int number)
{
    if (way_out != NULL)
        siglongjmp(*way_out, 1);
    signal(number, SIG_DFL); /* it recurs at once, and ends the process     */
}


void
mapped_init(void)
{
    /* SA_NODEFER: the jump does not restore the signal mask */
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

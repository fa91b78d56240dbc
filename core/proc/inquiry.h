/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions that came through the control socket, and that modules answer in a
 * worker (struct module, answer): what is in a zone, the master does not look at.
 */
#pragma once

#include "core/net/worker.h"

enum { INQUIRY_LINE = 1024 }; /* bytes of a question, with its end           */

/* Answers the line (JSON) on fd, a non-blocking socket, and closes it, now or
 * when the client has read the answer. */
void inquiry_answer(struct worker *w, int fd, str_t line);
/* The worker ends: cuts off those who still read. */
void inquiries_stop(void);

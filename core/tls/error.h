/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenSSL's queue of errors as text.  Every call into OpenSSL that may fail is
 * followed by one of these, or by ERR_clear_error, so that nobody finds the
 * errors of another.
 */
#pragma once

#include "core/log/log.h"

enum { TLS_ERROR_TEXT = 1024 };

/* Writes what is in the queue to out as " (SSL: error:0A00010B:SSL
 * routines::wrong version number)", with a NUL, or nothing for an empty queue,
 * and empties it.  Returns out. */
const char *tls_error_text(char *out, size_t room);

/* Logs text with what is in the queue, and empties it. */
void tls_error_log(const struct log *log, enum log_level level, int errnum,
                   const char *text);

/* Whether the queue tells of a shortage here (memory, no entropy), which is
 * nobody else's fault. */
bool tls_error_is_ours(void);

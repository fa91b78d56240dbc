/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PREFIX_key_log: the secrets of connections, in a log file that only its owner
 * may read.
 */
#pragma once

#include "core/tls/context.h"

/* Directive type over struct log_file *. */
extern const struct conf_type conf_tls_key_log;

/* Connections of c write to the log file of that path. */
void tls_key_log_use(struct tls_context *c, str_t path);

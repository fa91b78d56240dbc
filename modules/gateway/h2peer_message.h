/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes on a stream, judged and turned into the bytes that h2peer_session.h
 * describes.  A message that is not valid sets t->fault, and nothing more of it
 * is taken.
 */
#pragma once

#include "modules/gateway/h2peer_session.h"

/* A head or trailer begins; one of its fields; its end, and maybe that of the
 * stream. */
void h2peer_message_begin(struct h2peer_stream *t);
void h2peer_message_field(struct h2peer_stream *t, str_t name, str_t value);
void h2peer_message_end_head(struct h2peer_stream *t, bool ends_stream);
void h2peer_message_data(struct h2peer_stream *t, str_t data);
void h2peer_message_end(struct h2peer_stream *t);
/* Its last record, with the first fault of the stream: this one, unless there
 * was one before. */
void h2peer_message_fail(struct h2peer_stream *t, enum h2peer_fault fault, uint32_t value);

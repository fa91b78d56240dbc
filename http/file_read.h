/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads files into memory: for filters that process bytes, and where sendfile
 * cannot be used (sendfile off, directio, aio).
 */
#pragma once

#include "core/base/chain.h"
#include "core/base/step.h"
#include "http/request.h"

struct file;

/* Whether pieces of this file must be read instead of sent with sendfile.
 * Filters that need memory are not considered here. */
bool file_reader_wants(const struct http_request *r,
                       struct chain_file *file);

/* Moves the memory at the front of in to out, and reads up to output_buffers
 * of the file that follows.  STEP_NEXT: done for now, in may hold more;
 * STEP_WAIT: a thread reads, the task will be woken; STEP_FAIL: the file could
 * not be read, or has been truncated (logged). */
enum step file_reader_next(struct http_request *r, struct chain *in,
                           struct chain *out);

/* Reads n bytes of a file, which has them, from at on into out, and waits for
 * the disk.  False: logged. */
bool file_read_at(struct http_request *r, struct file *f, uint64_t at, size_t n,
                  char *out);

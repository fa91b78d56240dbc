/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How files are looked up, read and sent: the directives, by theme.
 */
#pragma once

#include "core/cache/file.h"
#include "core/conf/types.h"
#include "http/request.h"

/* Looking up. */
struct http_files_conf {
    struct file_cache_conf *open_file_cache;
    msec_t                  valid;
    uint64_t                min_uses;
    bool                    errors, events;
    struct http_symlinks {
        enum symlinks how;
        struct expr  *from;
    } symlinks;
};

/* Reading and sending. */
struct http_io_conf {
    bool           sendfile, aio_write;
    size_t         sendfile_max_chunk;
    uint64_t       directio; /* FILE_DIRECT_OFF: never                       */
    size_t         directio_alignment;
    size_t         read_ahead;
    struct buffers output_buffers;
    struct http_aio {
        enum { AIO_OFF, AIO_ON, AIO_THREADS } how;
        struct expr *pool; /* name of the threads, where it has variables    */
        struct thread_pool *threads;
    } aio;
};

/* Answers about files. */
enum { MODIFIED_OFF, MODIFIED_EXACT, MODIFIED_BEFORE };
struct http_validate_conf {
    uint64_t max_ranges;
    unsigned if_modified_since;
    bool     etag, log_not_found;
};

/* Room for what http/file_read.c keeps for a request. */
enum { HTTP_IO_STATE = 64 };

extern struct module http_files_module, http_io_module, http_validate_module;

#define files_conf(t) \
    ((const struct http_files_conf *) conf_of(t, &http_files_module))
#define io_conf(t) ((const struct http_io_conf *) conf_of(t, &http_io_module))
#define validate_conf(t) \
    ((const struct http_validate_conf *) conf_of(t, &http_validate_module))

/* Opens a file for r as its location says; root_len is how much of the path
 * root or alias gave (for disable_symlinks from=). */
struct file_result http_file_open(struct http_request *r, str_t path,
                                  bool test_only);

/* Opens a file to append to, made where it is not there, as disable_symlinks
 * allows for r: a descriptor, or -1 with errno and what failed in *call. */
int http_file_append(struct http_request *r, str_t path, const char **call);

/* Logs why a file could not be opened, and http_fails with the status that
 * nginx gives for it. */
enum step http_file_fail(struct http_request *r, str_t path,
                         const struct file_result *f);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of the access log: formats, lines, buffers of files, and files
 * whose names have variables.
 */
#pragma once

#include "modules/module.h"

/* --- a line while it is put together: format.c ------------------------------ */

/* Grows to the longest line and is reused. */
struct log_line {
    char  *p;
    size_t n, room;
};

enum log_escape { ESCAPE_DEFAULT, ESCAPE_JSON, ESCAPE_NONE };

struct log_op;

struct log_format {
    str_t           name;
    enum log_escape escape;
    VEC(struct log_op) ops;
    const struct var **vars; /* of the built-in "json", which has no ops     */
};

/* Compiles another piece of a format; returns NULL or an error message. */
const char *log_format_add(struct conf *cf, struct log_format *f, str_t text);
/* Writes the line of a request, without the line break. */
void log_format_write(const struct log_format *f, struct http_request *r,
                      struct log_line *line);
void log_line_add(struct log_line *line, str_t s);
void log_line_number(struct log_line *line, uint64_t n);
void log_line_free(void *line);

/* --- the built-in format "json": json.c --------------------------------------- */

void log_json_init(struct conf *cf, struct log_format *f);
/* Writes the line as an object, without the line break. */
void log_json_write(const struct log_format *f, struct http_request *r,
                    struct log_line *line);

/* --- a buffer in front of a file: buffer.c ------------------------------------ */

struct log_buffer_options {
    uint64_t size;  /* 0: only for one turn of the loop                      */
    msec_t   flush;
    int      level; /* of gzip, 0: none */
};


/* Gives the file a buffer.  False: it has one already, with other options. log
 * is for errors that belong to no request. */
bool log_buffer_attach(struct arena *a, struct log_file *file,
                       const struct log_buffer_options *o,
                       const struct log *log);
/* Adds a whole line; writes the buffer first if the line does not fit. */
void log_buffer_add(struct log_file *file, struct loop *loop, str_t line);
/* Writes to a file; errors are logged at most once a minute. */
void log_write_file(int fd, const char *name, str_t s, const struct log *log);

/* --- names with variables: open.c ----------------------------------------------- */

struct log_cache;

/* The parameters of open_log_file_cache. */
struct log_cache *log_cache_new(struct arena *a, uint64_t max,
                                msec_t inactive_ms, uint64_t min_uses,
                                msec_t valid_ms);
/* Appends a line to the file path (NUL-terminated), which stays open if there
 * is a cache. */
void log_cache_write(struct log_cache *c, struct http_request *r, str_t path,
                     str_t line);

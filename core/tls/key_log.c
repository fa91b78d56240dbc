/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A context may outlive the generation that it was made in, so it knows its log
 * by the path alone.
 */
#include "core/tls/key_log.h"

#include <errno.h>
#include <sys/uio.h>

#include "core/conf/generation.h"


/* SSL_CTX_set_keylog_callback(3): line has no end. */
static void
on_line(const SSL *ssl, const char *line)
{
    const struct tls_context *c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const struct conn        *conn = SSL_get_app_data(ssl);
    const int                 fd = log_file_find(c->key_log);
    const size_t              n = strlen(line);
    struct iovec              parts[] = { { (char *) (uintptr_t) line, n },
                                          { (char *) (uintptr_t) "\n", 1 } };

    if (fd != -1 && writev(fd, parts, 2) != (ssize_t) n + 1)
        log_at(conn->lines, LEVEL_ALERT, errno,
               "write() to \"" STR_F "\" failed", STR_A(c->key_log));
}


void
tls_key_log_use(struct tls_context *c, str_t path)
{
    c->key_log = str_copy(c->arena, path);
    SSL_CTX_set_keylog_callback(c->ssl, on_line);
}


/* The file is opened by the master, as all logs are. */
static const char *
parse_key_log(struct conf *cf, void *field)
{
    struct log_file **out = field;

    *out = generation_log_file(cf->gen, conf_path_prefix(cf, cf->args[1]));
    (*out)->is_secret = true;
    return NULL;
}


const struct conf_type conf_tls_key_log = {
    .name = "key log",
    .size = sizeof(struct log_file *),
    .parse = parse_key_log,
    .unset = "none",
};

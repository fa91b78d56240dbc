/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenSSL's queue of errors, in the form that nginx's log lines have.
 */
#include "core/tls/error.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>


/* Adds formatted text at *used, as much as there is room for. */
__attribute__((format(printf, 4, 5))) static void
add(char *out, size_t room, size_t *used, const char *fmt, ...)
{
    va_list args;
    int     n;

    va_start(args, fmt);
    n = vsnprintf(out + *used, room - *used, fmt, args);
    va_end(args);
    if (n > 0)
        *used += (size_t) n < room - *used ? (size_t) n : room - *used - 1;
}


const char *
tls_error_text(char *out, size_t room)
{
    size_t        used = 0;
    unsigned long code;
    const char   *data;
    char          text[256];
    int           flags;

    out[0] = '\0';
    if (ERR_peek_error() == 0)
        return out;
    add(out, room, &used, " (SSL:");
    while ((code = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        ERR_error_string_n(code, text, sizeof(text));
        add(out, room, &used, " %s", text);
        if ((flags & ERR_TXT_STRING) && data != NULL && *data != '\0')
            add(out, room, &used, ":%s", data);
        (void) ERR_get_error();
    }
    add(out, room, &used, ")");
    return out;
}


void
tls_error_log(const struct log *log, enum log_level level, int errnum,
              const char *text)
{
    char why[TLS_ERROR_TEXT];

    log_at(log, level, errnum, "%s%s", text, tls_error_text(why, sizeof(why)));
    ERR_clear_error();
}


bool
tls_error_is_ours(void)
{
    unsigned long code = ERR_peek_error();

    return code != 0
           && (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE
               || ERR_GET_LIB(code) == ERR_LIB_RAND);
}

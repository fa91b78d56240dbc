/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auth_basic: a name and a password (RFC 7617), checked against a file of
 * "name:entry" lines; password.h describes the entries.  The file is read for
 * each request, so a change takes effect at once.
 *
 *     location /inside { auth_basic "inside"; auth_basic_user_file htpasswd; }
 */
#include <errno.h>
#include <unistd.h>

#include "core/cache/file.h"
#include "http/credentials.h"
#include "modules/gate/password.h"
#include "modules/module.h"

struct auth_basic_conf {
    struct expr *realm;
    struct expr *user_file;
};

extern struct module auth_basic_module;


static enum step
challenge(struct http_request *r, str_t realm)
{
    str_t value = arena_printf(r->task.arena, "Basic realm=\"" STR_F "\"",
                               STR_A(realm));

    if (r->method == HTTP_CONNECT) {
        fields_set(r->task.arena, &r->out.fields, FIELD_PROXY_AUTHENTICATE,
                   value);
        return http_fail(r, 407);
    }
    fields_set(r->task.arena, &r->out.fields, FIELD_WWW_AUTHENTICATE, value);
    return http_fail(r, 401);
}


/* --- the file ------------------------------------------------------------- */

static enum step
fail_open(struct http_request *r, str_t path, const struct file_result *f)
{
    bool is_absent = f->error == ENOENT;

    log_at(r->task.log, is_absent ? LEVEL_ERROR : LEVEL_CRIT, f->error,
           "%s \"" STR_F "\" failed", f->call, STR_A(path));
    return http_fail(r, is_absent ? 403 : 500);
}


/* Reads all bytes of an open file; false on an error, which is logged. */
static bool
read_whole(struct task *t, str_t path, const struct file *f, str_t *out)
{
    char   *p = NULL;
    ssize_t n = -1;

    errno = EISDIR;
    if (!file_is_folder(f)) {
        errno = ENOMEM;
        p = arena_try(t->arena, f->size + 1);
        if (p != NULL)
            n = pread(f->chain.fd, p, f->size, 0);
    }
    if (n == -1) {
        log_at(t->log, LEVEL_CRIT, errno, "pread() \"" STR_F "\" failed",
               STR_A(path));
        return false;
    }
    *out = (str_t){ p, (size_t) n };
    return true;
}


/* Reads the entry of user, STR_NONE when there is none.  Returns STEP_NEXT, or
 * STEP_FAIL when the file cannot be read. */
static enum step
read_entry(struct http_request *r, str_t path, str_t user, str_t *entry)
{
    static const struct file_options plain = { .directio = FILE_DIRECT_OFF };
    struct task                     *t = &r->task;
    struct file_result               f = file_open(t, path, &plain);
    bool                             is_read = true;
    str_t                            lines;

    if (f.file == NULL)
        return fail_open(r, path, &f);
    if (f.file->content != NULL)
        lines = (str_t){ f.file->content->data, f.file->size };
    else
        is_read = read_whole(t, path, f.file, &lines);
    if (is_read) {
        *entry = password_find(lines, user);
        if (entry->p != NULL)
            *entry = str_copy(t->arena, *entry);
    }
    file_put(f.file);
    return is_read ? STEP_NEXT : http_fail(r, 500);
}


/* --- the gate --------------------------------------------------------------- */

static enum step
judge(struct http_request *r, str_t realm, str_t user, str_t password,
      str_t entry)
{
    struct task *t = &r->task;

    switch (password_check(t->arena, password, entry)) {
    case PASSWORD_RIGHT:
        return STEP_ACCEPT;
    case PASSWORD_WRONG:
        break;
    case PASSWORD_ERROR:
        log_at(t->log, LEVEL_CRIT, errno, "crypt_r() failed");
        return http_fail(r, 500);
    }
    log_error(t->log, "user \"" STR_F "\": password mismatch", STR_A(user));
    return challenge(r, realm);
}


static enum step
check_user(struct task *t)
{
    const struct auth_basic_conf *c = conf_of(t, &auth_basic_module);
    struct http_request          *r = http_of(t);
    str_t                         realm, path, user, password, entry;
    enum step                     step;

    if (c->user_file == NULL)
        return STEP_NEXT;
    realm = expr_eval(c->realm, t);
    if (str_is(realm, "off"))
        return STEP_NEXT;
    if (!http_credentials(r, &user, &password)) {
        log_info(t->log,
                 "no user/password was provided for basic authentication");
        return challenge(r, realm);
    }
    path = expr_eval(c->user_file, t);
    path = path.n != 0 && path.p[0] == '/'
               ? str_copy(t->arena, path)
               : str_join(t->arena, t->gen->paths.conf_prefix, path);
    step = read_entry(r, path, user, &entry);
    if (step != STEP_NEXT)
        return step;
    if (entry.p == NULL) {
        log_error(t->log, "user \"" STR_F "\" was not found in \"" STR_F "\"",
                  STR_A(user), STR_A(path));
        return challenge(r, realm);
    }
    return judge(r, realm, user, password, entry);
}


static const struct directive directives[] = {
    EXPR("auth_basic", IN_WEB | IN_LIMIT_EXCEPT, struct auth_basic_conf, realm,
         "off", "string | off",
         "Asks for a name and password (HTTP Basic); browsers show the text. "
         "off cancels the auth_basic of an outer block."),
    EXPR("auth_basic_user_file", IN_WEB | IN_LIMIT_EXCEPT,
         struct auth_basic_conf, user_file, NULL, "file",
         "The file of NAME:PASSWORD lines, with passwords hashed by crypt, "
         "apr1, SHA or SSHA, bcrypt and others. May have variables."),
    { .name = NULL },
};

struct module auth_basic_module = {
    .name = "auth_basic",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct auth_basic_conf),
    .phase = { [PHASE_ACCESS] = check_user },
};

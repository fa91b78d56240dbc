/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificates and keys become DER here, decrypted where they have a password,
 * so that workers need neither files nor passwords.
 */
#include "core/tls/files.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/tls/context.h"
#include "core/tls/error.h"
#include "core/tls/renewal.h"
#include "core/tls/x509.h"

enum { FILE_MAX = 16 << 20, PASSWORD_MAX = 4096, PASSWORDS_MAX = 65536 };

static struct tls_files *
files_of(struct conf *cf)
{
    struct tls_files *f = conf_main(cf, &tls_module);

    if (f->files == NULL) {
        f->files = hash_new(cf->arena, 16, HASH_EXACT);
        f->pairs = hash_new(cf->arena, 16, HASH_EXACT);
        f->good = hash_new(cf->arena, 16, HASH_EXACT);
        f->noted = hash_new(cf->arena, 16, HASH_EXACT);
    }
    return f;
}


/* Of the process: where unchanged files are taken from; or NULL. */
static const struct generation *inherited;


void
tls_files_inherit(const struct generation *g)
{
    inherited = g;
}


static const struct tls_files *
inherited_files(const struct conf *cf)
{
    const struct tls_files *f;

    if (inherited == NULL || !tls_inherits(cf->gen))
        return NULL;
    f = inherited->main[tls_module.slot];
    return f->files != NULL ? f : NULL;
}


/* The unit of that number in the generation before, if its files are as they
 * were when it was read. */
static const struct tls_unit *
unchanged(const struct tls_files *before, unsigned number,
          const struct tls_mark now[2])
{
    const struct tls_unit *u = &before->units.at[number - 1];

    return !u->is_behind && tls_mark_same(&now[0], &u->marks[0])
                   && tls_mark_same(&now[1], &u->marks[1])
               ? u
               : NULL;
}


/* A new unit; its number is *number.  What it needs to be read again is the
 * caller's to set. */
static struct tls_unit *
add_unit(struct conf *cf, unsigned *number)
{
    struct tls_files *f = files_of(cf);
    struct tls_unit  *u = vec_push(cf->arena, &f->units);

    *number = (unsigned) f->units.n;
    return u;
}


/* What has failed, with OpenSSL's reasons; false, to be returned. */
static bool
refuse(char *why, const char *what, str_t name, const char *call)
{
    char reasons[TLS_ERROR_TEXT];

    snprintf(why, TLS_WHY_MAX, "%s \"" STR_F "\": %s failed%s", what,
             STR_A(name), call, tls_error_text(reasons, sizeof(reasons)));
    ERR_clear_error();
    return false;
}


/* --- files ------------------------------------------------------------------ */

struct tls_mark
tls_mark_of(str_t path)
{
    struct stat st;

    if (stat(path.p, &st) == -1 || !S_ISREG(st.st_mode))
        return (struct tls_mark){ 0 };
    return (struct tls_mark){ .device = st.st_dev,
                              .inode = st.st_ino,
                              .size = st.st_size,
                              .written = st.st_mtim,
                              .changed = st.st_ctim };
}


static bool
same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}


bool
tls_mark_same(const struct tls_mark *a, const struct tls_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size
           && same_time(&a->written, &b->written)
           && same_time(&a->changed, &b->changed);
}


bool
tls_mark_is(const struct tls_mark *m, str_t path)
{
    struct tls_mark now = tls_mark_of(path);

    return tls_mark_same(m, &now);
}


static bool
read_bio(struct arena *a, BIO *in, struct tls_file *f)
{
    size_t room = 4096, n = 0;
    char  *p = arena_bytes(a, room);
    int    got;

    while ((got = BIO_read(in, p + n, (int) (room - n))) > 0) {
        n += (size_t) got;
        if (n > FILE_MAX)
            return false;
        if (n == room) {
            p = arena_grow(a, p, n, room * 2);
            room *= 2;
        }
    }
    f->bytes = (str_t){ p, n };
    return got == 0;
}


bool
tls_file_load(struct arena *a, const char *what, str_t path,
              struct tls_file *out, char *why)
{
    BIO *in;
    bool ok;

    *out = (struct tls_file){ .path = str_copy(a, path) };
    in = BIO_new_file(out->path.p, "r");
    if (in == NULL)
        return refuse(why, what, out->path, "BIO_new_file()");
    ok = read_bio(a, in, out);
    BIO_free(in);
    return ok || refuse(why, what, out->path, "BIO_read()");
}


static bool
inherit_file(struct conf *cf, str_t path, const struct tls_mark now[2],
             struct tls_file *out)
{
    const struct tls_files *before = inherited_files(cf);
    const struct tls_file  *f = before ? hash_get(before->files, path) : NULL;

    if (f == NULL || unchanged(before, f->unit, now) == NULL)
        return false;
    out->path = str_copy(cf->arena, path);
    out->bytes = str_copy(cf->arena, f->bytes);
    return true;
}


bool
tls_file_read(struct conf *cf, const char *what, str_t path,
              struct tls_file *out, char *why)
{
    struct hash     *known = files_of(cf)->files;
    struct tls_file *f = hash_get(known, path);
    struct tls_unit  unit = { .what = what };

    if (f == NULL) {
        f = arena_make(cf->arena, struct tls_file);
        unit.marks[0] = tls_mark_of(path);
        if (!inherit_file(cf, path, unit.marks, f)
            && !tls_file_load(cf->arena, what, path, f, why))
            return false;
        unit.file = f;
        *add_unit(cf, &f->unit) = unit;
        hash_set(known, f->path, f);
    }
    *out = *f;
    return true;
}


/* --- certificates -------------------------------------------------------------- */

/* The first one, whose PEM may say whom it is trusted by. */
static X509 *
read_first(struct arena *a, BIO *in, str_t *chain)
{
    X509          *x = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL);
    unsigned char *der = NULL;
    int            n;

    if (x == NULL)
        return NULL;
    n = i2d_X509(x, &der);
    CHECK(n > 0);
    *chain = str_copy(a, (str_t){ (char *) der, (size_t) n });
    OPENSSL_free(der);
    tls_x509_keep(x, *chain);
    return x;
}


/* The next one above it; false: it ends, or cannot be parsed. */
static bool
read_above(struct arena *a, BIO *in, str_t *chain)
{
    unsigned char       *der = NULL;
    const unsigned char *at;
    long                 n;
    X509                *x;

    if (PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_X509, in, NULL, NULL)
        != 1)
        return false;
    at = der;
    x = tls_x509_read(&at, n);
    if (x != NULL)
        *chain
            = str_join(a, *chain, (str_t){ (char *) der, (size_t) (at - der) });
    else
        ERR_raise(ERR_LIB_PEM, ERR_R_ASN1_LIB);
    X509_free(x);
    OPENSSL_free(der);
    return x != NULL;
}


static bool
at_end(void)
{
    unsigned long code = ERR_peek_last_error();

    return ERR_GET_LIB(code) == ERR_LIB_PEM
           && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}


str_t
tls_name_shown(str_t name)
{
    if (str_starts(name, STR("data:")))
        return STR("data:..."); /* which is no file */
    if (str_find(name, STR("-----BEGIN")) != NULL)
        return STR("PEM without \"data:\"");
    return name;
}


/* Of a file; or what tls_name_shown says. */
static str_t
path_of(struct arena *a, str_t folder, str_t name)
{
    str_t shown = tls_name_shown(name);

    if (shown.p != name.p)
        return shown;
    if (name.n != 0 && name.p[0] == '/')
        folder = STR("");
    return str_join(a, folder, name);
}


/* NULL: it cannot be opened. */
static BIO *
open_text(struct arena *a, str_t folder, str_t name, str_t *path)
{
    *path = path_of(a, folder, name);
    if (!str_starts(name, STR("data:")))
        return BIO_new_file(path->p, "r");
    name = str_from(name, 5);
    return BIO_new_mem_buf(name.n != 0 ? name.p : "", (int) name.n);
}


/* *first becomes the certificate itself, the caller's. */
static bool
read_chain(struct arena *a, str_t folder, str_t name, struct tls_pair *out,
           X509 **first, char *why)
{
    const char *what = "cannot load certificate";
    BIO        *in = open_text(a, folder, name, &out->path);
    bool        ok;

    if (in == NULL)
        return refuse(why, what, out->path, "BIO_new_file()");
    *first = read_first(a, in, &out->chain);
    if (*first == NULL) {
        BIO_free(in);
        return refuse(why, what, out->path, "PEM_read_bio_X509_AUX()");
    }
    while (read_above(a, in, &out->chain))
        continue;
    ok = at_end();
    BIO_free(in);
    if (!ok) {
        X509_free(*first);
        return refuse(why, what, out->path, "PEM_read_bio_X509()");
    }
    ERR_clear_error();
    return true;
}


/* --- keys ---------------------------------------------------------------------- */

/* pem_password_cb: arg is the password to try, or NULL. */
static int
on_password(char *out, int room, int is_writing, void *arg)
{
    const str_t *password = arg;

    if (is_writing || password == NULL || password->n > (size_t) room)
        return -1;
    memcpy(out, password->p, password->n);
    return (int) password->n;
}


static EVP_PKEY *
read_key(BIO *in, const struct texts *passwords)
{
    EVP_PKEY *key = NULL;
    size_t    i = 0;

    do {
        str_t *password = i < passwords->list.n ? &passwords->list.at[i] : NULL;

        ERR_clear_error();
        (void) BIO_reset(in);
        key = PEM_read_bio_PrivateKey(in, NULL, on_password, password);
    } while (key == NULL && ++i < passwords->list.n);
    return key;
}


static void
wipe(void *arg)
{
    const str_t *secret = arg;

    OPENSSL_cleanse((char *) (uintptr_t) secret->p, secret->n);
}


str_t
tls_keep_secret(struct arena *a, str_t secret)
{
    str_t *copy = arena_make(a, str_t);

    *copy = str_copy(a, secret);
    arena_defer(a, wipe, copy);
    return *copy;
}


/* The key's own bytes, where they are not encrypted: OpenSSL takes longer to
 * encode it anew than to read it.  0: they have to be encoded. */
static int
plain_der(BIO *in, unsigned char **der)
{
    char *name = NULL;
    long  n = 0;
    bool  is_plain;

    (void) BIO_reset(in);
    if (PEM_bytes_read_bio(der, &n, &name, PEM_STRING_EVP_PKEY, in, on_password,
                           NULL)
        != 1)
        n = 0;
    is_plain = n > 0 && strcmp(name, PEM_STRING_PKCS8) != 0;
    if (n > 0 && !is_plain)
        OPENSSL_clear_free(*der, (size_t) n);
    if (!is_plain)
        *der = NULL;
    OPENSSL_free(name);
    ERR_clear_error();
    return is_plain ? (int) n : 0;
}


/* Whether the key is that of the certificate; false: why. */
static bool
fits(const struct tls_pair *p, X509 *x, EVP_PKEY *key, char *why)
{
    bool ok = X509_check_private_key(x, key) == 1;
    char reasons[TLS_ERROR_TEXT];

    if (!ok)
        snprintf(why, TLS_WHY_MAX,
                 "SSL_CTX_use_PrivateKey(\"" STR_F "\") failed%s",
                 STR_A(p->key_path), tls_error_text(reasons, sizeof(reasons)));
    ERR_clear_error();
    return ok;
}


static bool
wants_password(void)
{
    unsigned long code = ERR_peek_last_error();

    return ERR_GET_LIB(code) == ERR_LIB_PEM
           && ERR_GET_REASON(code) == PEM_R_BAD_PASSWORD_READ;
}


static bool
read_private(struct arena *a, str_t folder, str_t name,
             const struct texts *passwords, X509 *x, struct tls_pair *out,
             char *why)
{
    const char    *what = "cannot load certificate key";
    BIO           *in = open_text(a, folder, name, &out->key_path);
    EVP_PKEY      *key;
    unsigned char *der = NULL;
    int            n;

    if (in == NULL)
        return refuse(why, what, out->key_path, "BIO_new_file()");
    key = read_key(in, passwords);
    if (key == NULL)
        BIO_free(in);
    if (key == NULL && passwords->list.n == 0 && wants_password()) {
        ERR_clear_error();
        return refuse(why, what, out->key_path,
                      "it has a password that no ssl_password_file names: "
                      "PEM_read_bio_PrivateKey()");
    }
    if (key == NULL)
        return refuse(why, what, out->key_path, "PEM_read_bio_PrivateKey()");
    ERR_clear_error();
    if (!fits(out, x, key, why)) {
        BIO_free(in);
        EVP_PKEY_free(key);
        return false;
    }
    n = plain_der(in, &der);
    if (n == 0)
        n = i2d_PrivateKey(key, &der);
    BIO_free(in);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (n <= 0)
        return refuse(why, what, out->key_path, "i2d_PrivateKey()");
    out->key = tls_keep_secret(a, (str_t){ (char *) der, (size_t) n });
    OPENSSL_clear_free(der, (size_t) n);
    return true;
}


static bool
is_foreign(str_t name, char *why)
{
    if (!str_starts(name, STR("engine:")) && !str_starts(name, STR("store:")))
        return false;
    snprintf(why, TLS_WHY_MAX,
             "keys of engines and stores are not supported by this build: "
             "\"" STR_F "\"",
             STR_A(name));
    return true;
}


bool
tls_pair_load(struct arena *a, str_t folder, str_t certificate, str_t key,
              const struct texts *passwords, struct tls_pair *out, char *why)
{
    X509 *x = NULL;
    bool  ok;

    out->name = certificate;
    out->key_name = key;
    if (is_foreign(key, why)
        || !read_chain(a, folder, certificate, out, &x, why))
        return false;
    ok = read_private(a, folder, key, passwords, x, out, why);
    X509_free(x);
    return ok;
}


void
tls_pair_marks(struct arena *a, str_t folder, str_t certificate, str_t key,
               struct tls_mark out[2])
{
    out[0] = tls_mark_of(path_of(a, folder, certificate));
    out[1] = tls_mark_of(path_of(a, folder, key));
}


static bool
inherit_pair(struct conf *cf, str_t both, const struct tls_unit *unit,
             struct tls_pair *out)
{
    const struct tls_files *before = inherited_files(cf);
    const struct tls_pair  *p = before ? hash_get(before->pairs, both) : NULL;
    struct arena           *a = cf->arena;

    if (p == NULL || unchanged(before, p->unit, unit->marks) == NULL)
        return false;
    *out = (struct tls_pair){ .name = str_copy(a, p->name),
                              .key_name = str_copy(a, p->key_name),
                              .path = str_copy(a, p->path),
                              .key_path = str_copy(a, p->key_path),
                              .chain = str_copy(a, p->chain),
                              .key = tls_keep_secret(a, p->key) };
    return true;
}


bool
tls_pair_read(struct conf *cf, str_t certificate, str_t key,
              const struct texts *passwords, struct tls_pair *out, char *why)
{
    struct hash *known = files_of(cf)->pairs;
    str_t both = arena_printf(cf->arena, "%zu " STR_F " " STR_F, certificate.n,
                              STR_A(certificate), STR_A(key));
    struct tls_pair *p = hash_get(known, both);
    str_t            folder = cf->gen->paths.conf_prefix;
    struct tls_unit  unit = { .passwords = *passwords };

    if (p == NULL) {
        p = arena_make(cf->arena, struct tls_pair);
        tls_pair_marks(cf->arena, folder, certificate, key, unit.marks);
        if (!inherit_pair(cf, both, &unit, p)
            && !tls_pair_load(cf->arena, folder, certificate, key, passwords, p,
                              why))
            return false;
        unit.pair = p;
        *add_unit(cf, &p->unit) = unit;
        hash_set(known, both, p);
    }
    *out = *p;
    return true;
}


/* --- passwords ------------------------------------------------------------------- */

static const char *
add_passwords(struct conf *cf, str_t text, struct texts *out)
{
    str_t line;

    while (text.n != 0) {
        line = str_cut(&text, '\n');
        if (line.n != 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n >= PASSWORD_MAX)
            return conf_error(cf, "too long line in \"" STR_F "\"",
                              STR_A(cf->args[1]));
        if (line.n != 0)
            *vec_push(cf->arena, &out->list) = tls_keep_secret(cf->arena, line);
    }
    return NULL;
}


static const char *
parse_passwords(struct conf *cf, void *field)
{
    struct texts *out = field;
    str_t         path = conf_path_conf(cf, cf->args[1]);
    char         *text;
    const char   *error;
    ssize_t       n;
    int           fd = open(path.p, O_RDONLY | O_CLOEXEC);

    if (fd == -1)
        return conf_errno(cf, errno, "open() \"" STR_F "\" failed",
                          STR_A(path));
    text = OPENSSL_zalloc(PASSWORDS_MAX);
    if (text == NULL)
        check_memory(PASSWORDS_MAX);
    n = read(fd, text, PASSWORDS_MAX);
    if (n == -1)
        error
            = conf_errno(cf, errno, "read() \"" STR_F "\" failed", STR_A(path));
    else
        error = add_passwords(cf, (str_t){ text, (size_t) n }, out);
    close(fd);
    OPENSSL_clear_free(text, PASSWORDS_MAX);
    return error;
}


const struct conf_type conf_tls_passwords = {
    .name = "passwords",
    .size = sizeof(struct texts),
    .parse = parse_passwords,
    .syntax = "file",
    .unset = "none",
};


/* --- the whole ------------------------------------------------------------------- */

bool
tls_note_once(struct conf *cf, str_t path)
{
    return hash_set(files_of(cf)->noted, path, cf) == NULL;
}


bool
tls_settings_check(struct conf *cf, struct tls_settings *s, char *why)
{
    const struct tls_files *before = inherited_files(cf);
    struct hash            *good = files_of(cf)->good;
    str_t                   id;

    tls_settings_seal(s);
    memcpy(s->first_verify_id, s->verify_id, sizeof(s->verify_id));
    s->slot = arena_make(cf->arena, struct tls_slot);
    *vec_push(cf->arena, &files_of(cf)->settings) = s;
    id = (str_t){ (char *) s->id, sizeof(s->id) };
    if (hash_get(good, id) != NULL)
        return true;
    if ((before == NULL || hash_get(before->good, id) == NULL)
        && !tls_context_check(s, why))
        return false;
    hash_set(good, str_copy(cf->arena, id), s); /* s->id may change */
    return true;
}

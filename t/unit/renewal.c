/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of TLS that change: the settings get what is new, once, and nothing is
 * left of what was before, however often that happens.
 */
#include <fcntl.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "core/conf/module.h"
#include "core/log/target.h"
#include "core/os/changes.h"
#include "core/tls/context.h"
#include "core/tls/files.h"
#include "core/tls/renewal.h"
#include "core/tls/stapling.h"
#include "t/unit/tap.h"

struct module *const weir_modules[] = { &tls_module, NULL };

static char                folder[] = "/tmp/weir-unit-renewal-XXXXXX";
static struct log_targets  nowhere;
static struct log          quiet = { .targets = &nowhere };
static struct generation   gen;
static struct conf         cf = { .gen = &gen };
static struct tls_settings settings;


static const char *
in_folder(const char *name)
{
    static char path[2][256];
    static int  i;

    i = !i;
    snprintf(path[i], sizeof(path[i]), "%s/%s", folder, name);
    return path[i];
}


/* A certificate of that number, signed by itself, and its key. */
static void
write_pair(long number)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509     *x = X509_new();
    FILE     *f;

    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), number);
    X509_gmtime_adj(X509_getm_notBefore(x), -86400);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    X509_sign(x, key, EVP_sha256());
    f = fopen(in_folder("c.pem"), "w");
    PEM_write_X509(f, x);
    fclose(f);
    f = fopen(in_folder("k.pem"), "w");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_free(x);
    EVP_PKEY_free(key);
}


static long
served(void)
{
    struct tls_context *c = tls_context_get(&settings, &gen, &quiet);

    return ASN1_INTEGER_get(
        X509_get0_serialNumber(SSL_CTX_get0_certificate(c->ssl)));
}


/* Whether there was anything to be taken. */
static bool
renew(void)
{
    struct tls_renewal *r = tls_renewal_new(&gen, &quiet);
    bool                is_any = r != NULL;

    if (is_any) {
        CHECK(tls_renewal_take(&gen, tls_renewal_fd(r)));
        tls_renewal_free(r, NULL);
    }
    return is_any;
}


static void
begin(void)
{
    char why[TLS_WHY_MAX];

    CHECK(mkdtemp(folder) != NULL);
    gen.arena = arena_new(0);
    gen.main = arena_alloc(gen.arena, sizeof(void *));
    gen.main[0] = arena_make(gen.arena, struct tls_files);
    gen.paths.conf_prefix = str_join(gen.arena, str_of(folder), STR("/"));
    cf.arena = gen.arena;
    write_pair(1);
    settings = (struct tls_settings){ .is_server = true,
                                      .protocols = TLS_1_3,
                                      .verify = TLS_VERIFY_ON,
                                      .buffer_size = 16384 };
    ok(tls_pair_read(&cf, STR("c.pem"), STR("k.pem"),
                     &(struct texts){ .list = { 0 } },
                     vec_push(gen.arena, &settings.pairs), why),
       "a pair");
    ok(tls_file_read(&cf, "cannot load", str_of(in_folder("c.pem")),
                     &settings.client_ca, why),
       "an authority");
    ok(tls_settings_check(&cf, &settings, why), "settings of these");
}


static void
test_renewal(void)
{
    struct tls_context *before;
    struct tls_settings other;
    str_t               key;
    char               *old;

    is(served(), 1, "served");
    ok(!renew(), "nothing has changed");
    key = settings.pairs.at[0].key;
    old = (char *) (uintptr_t) key.p;
    before = tls_context_hold(tls_context_get(&settings, &gen, &quiet));
    write_pair(2);
    ok(renew(), "something has");
    is(served(), 2, "another one is served");
    ok(old[0] == 0 && memcmp(old, old + 1, key.n - 1) == 0,
       "the key before it is wiped");
    ok(memcmp(before->verify_id, settings.verify_id, 32) != 0
           && tls_context_verifies(before, &settings),
       "who was verified by the file as it was may stay");
    other = settings;
    other.client_ca.path = STR("/copy.pem");
    tls_settings_seal(&other);
    ok(!tls_context_verifies(before, &other),
       "not where another file was the same then");
    other.client_ca.bytes = settings.client_ca.bytes;
    ok(memcmp(other.id, settings.id, 32) != 0,
       "which has a context of its own");
    is(before->refs, 1, "nobody else has the context");
    tls_context_put(before);
    ok(!renew(), "once");
    CHECK(utimensat(AT_FDCWD, in_folder("c.pem"), NULL, 0) == 0);
    ok(!renew(), "nor for another time of the file");
}


static void
test_refusals(void)
{
    FILE *f;

    CHECK(rename(in_folder("k.pem"), in_folder("other.pem")) == 0);
    ok(!renew() && served() == 2, "no key");
    CHECK(mkfifo(in_folder("k.pem"), 0600) == 0);
    ok(!renew() && served() == 2, "a pipe is not waited for");
    unlink(in_folder("k.pem"));
    CHECK(rename(in_folder("other.pem"), in_folder("k.pem")) == 0);
    ok(!renew() && served() == 2, "the one before");
    f = fopen(in_folder("c.pem"), "w");
    fclose(f);
    ok(!renew() && served() == 2, "an empty file");
    write_pair(3);
    ok(renew() && served() == 3, "a good one");
}


static void
test_memory(void)
{
    size_t before = 0;

    for (long i = 0; i < 500; i++) {
        write_pair(1000 + i);
        CHECK(renew() && served() == 1000 + i);
        if (i == 200)
            before = mallinfo2().uordblks;
    }
    if (before != 0) /* malloc is not another's */
        ok(mallinfo2().uordblks <= before + 40000,
           "500 renewals take no more memory than 200");
}


/* A question may be under way about the certificate before. */
static void
test_staples(void)
{
    struct tls_settings      s = settings;
    const struct tls_staple *st;

    s.trusted = s.client_ca;
    tls_stapling_prepare(&cf, &s, STR("http://127.0.0.1/"), true, false);
    st = s.staples->at;
    ok(st->responder != NULL && st->question.request.n != 0, "a responder");
    tls_stapling_renew(&s, &gen);
    ok(st->responder != NULL && st->question.request.n != 0, "renewed");
    s.trusted.bytes = STR("");
    tls_stapling_renew(&s, &gen);
    ok(st->responder == NULL, "by one whose issuer is not known");
    ok(st->question.request.p == NULL && st->issuer.p == NULL,
       "nothing is left of the one before");
}


static bool
told(struct changes *c)
{
    bool is_told = changes_read(c);

    changes_close(c);
    CHECK(changes_open(c));
    changes_add(c, in_folder("way/file"));
    return is_told;
}


static void
touch(const char *name)
{
    close(open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600));
}


static void
test_changes(void)
{
    struct changes c = { .fd = -1 };

    CHECK(changes_open(&c));
    told(&c);
    ok(!told(&c), "nothing is there");
    CHECK(mkdir(in_folder("a"), 0700) == 0 && mkdir(in_folder("b"), 0700) == 0);
    ok(!told(&c), "other names");
    CHECK(symlink("./b/../a", in_folder("way")) == 0);
    ok(told(&c), "a link");
    touch("a/file");
    ok(told(&c), "behind it, the file");
    touch("a/other");
    touch("b/file");
    ok(!told(&c), "others");
    touch("a/file");
    ok(told(&c), "written to");
    CHECK(rename(in_folder("a/other"), in_folder("a/file")) == 0);
    ok(told(&c), "renamed over");
    CHECK(symlink("b", in_folder("tmp")) == 0
          && rename(in_folder("tmp"), in_folder("way")) == 0);
    ok(told(&c), "another link");
    touch("a/file");
    ok(!told(&c), "the old file is of no interest");
    CHECK(rename(in_folder("b"), in_folder("c")) == 0);
    ok(told(&c), "a folder moved away");
    CHECK(unlink(in_folder("way")) == 0
          && symlink("way", in_folder("way")) == 0);
    ok(told(&c), "a link to itself");
    changes_close(&c);
}


static void
count_path(const char *path, void *n)
{
    (void) path;
    ++*(unsigned *) n;
}


/* As with "-p .". */
static void
test_relative(void)
{
    struct changes    c = { .fd = -1 };
    struct generation g = { .arena = arena_new(0) };
    struct conf       here = { .gen = &g, .arena = g.arena };
    struct texts      no_passwords = { .list = { 0 } };
    struct tls_pair   p;
    char              why[TLS_WHY_MAX];
    unsigned          n = 0;

    CHECK(chdir(folder) == 0 && changes_open(&c));
    changes_add(&c, "./c/file");
    touch("c/other");
    ok(!changes_read(&c), "a relative name");
    touch("c/file");
    ok(changes_read(&c), "it is found from where we are");
    changes_close(&c);
    CHECK(remove("c/other") == 0);

    g.main = arena_alloc(g.arena, sizeof(void *));
    g.main[0] = arena_make(g.arena, struct tls_files);
    g.paths.conf_prefix = STR("./");
    ok(tls_pair_read(&here, STR("c.pem"), STR("k.pem"), &no_passwords, &p, why)
           && tls_pair_read(&here, STR("data:x"), STR("k.pem"), &no_passwords,
                            &p, why)
                  == false,
       "relative names of a pair");
    tls_renewal_each_path(&g, count_path, &n);
    is(n, 2, "are watched");
    arena_free(g.arena);
    CHECK(chdir("/") == 0);
}


int
main(void)
{
    static const char *const names[]
        = { "a/file", "c/file", "way", "c.pem", "k.pem", "a", "c", "" };

    modules_init();
    begin();
    test_renewal();
    test_refusals();
    test_memory();
    test_staples();
    test_changes();
    test_relative();
    arena_free(gen.arena);
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        CHECK(remove(in_folder(names[i])) == 0);
    return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of folders: a folder is filled with what the input says, names of any
 * bytes, sizes, times from the first second to the last, and listed in each
 * format by the real engine.  What the list says is read again: each entry
 * once, in order, escaped as its format wants.
 *
 * The input: for each entry a byte for its kind, two for its size, eight for
 * its time, one for the length of its name, the name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/date.h"
#include "core/base/escape.h"
#include "core/net/worker.h"
#include "core/os/clock.h"
#include "t/fuzz/silent.h"

#include "modules.c" /* all of this build */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES = 24, PATH_ROOM = 64, NUMBERS = 11 };

static const char text[]
    = "error_log /dev/null emerg;\n"
      "events { }\n"
      "http { access_log off;\n"
      "  server { listen unix:/nosuch/sock; autoindex on; index .none;\n"
      "    location /html/ { alias %1$s/; }\n"
      "    location /local/ { alias %1$s/; autoindex_localtime on;\n"
      "                       autoindex_exact_size off; charset utf-8; }\n"
      "    location /xml/ { alias %1$s/; autoindex_format xml; }\n"
      "    location /json/ { alias %1$s/; autoindex_format json; }\n"
      "    location /jsonp/ { alias %1$s/; autoindex_format jsonp; }\n"
      "  }\n"
      "}\n";

/* In memory, where times may be any, or else on disk. */
static char  in_memory[] = "/dev/shm/weir-fuzz-XXXXXX";
static char  on_disk[] = "/tmp/weir-fuzz-XXXXXX";
static char *folder = in_memory;

static struct worker      self = { .number = 0 };
static struct generation *gen;

struct entry {
    char     name[256];
    bool     is_folder, is_file;
    unsigned size;
};

static struct {
    struct entry at[ENTRIES];
    unsigned     n;
    int          fd; /* of the folder                                        */
} made;


static str_t
list(str_t uri, str_t args)
{
    struct arena        *a = arena_new(0);
    struct http_request *r = silent_request(a, gen);

    r->target = r->uri = uri;
    r->args = args;
    silent_run(r);
    CHECK(r->out.status == 200 && silent.n <= sizeof(silent.body));
    arena_free(a);
    return (str_t){ silent.body, silent.n };
}


/* --- the folder ------------------------------------------------------------ */

static void
clean_folder(void)
{
    while (made.n != 0) {
        const struct entry *e = &made.at[--made.n];

        CHECK(unlinkat(made.fd, e->name, e->is_folder ? AT_REMOVEDIR : 0) == 0);
    }
}


static void
clean_up(void)
{
    clean_folder();
    if (rmdir(folder) == -1)
        fprintf(stderr, "%s stays\n", folder);
}


static void
set_up(void)
{
    static char       conf[4096];
    struct conf_paths paths = { .conf_file = STR("/nosuch/x.conf"),
                                .conf_prefix = STR("/nosuch/"),
                                .prefix = STR("/nosuch/"),
                                .error_log = STR("stderr") };

    if (mkdtemp(folder) == NULL)
        folder = on_disk;
    CHECK(folder == in_memory || mkdtemp(folder) != NULL);
    atexit(clean_up);
    made.fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(made.fd != -1);
    clock_update();
    modules_init();
    worker = &self;
    self.log = quiet;
    self.loop = loop_new(&quiet, 64);
    snprintf(conf, sizeof(conf), text, folder);
    gen = generation_read_text(&paths, STR("x"), str_of(conf), &quiet);
    CHECK(gen != NULL);
    self.gen = gen;
    log_to_stderr = false;
}


/* False: there can be no such name. */
static bool
make_entry(struct entry *e, unsigned kind, time_t at)
{
    struct timespec times[2] = { { at, 0 }, { at, 0 } };
    int             fd = -1, rc = 0;

    e->is_folder = kind == 0;
    e->is_file = kind > 2;
    if (kind == 0)
        rc = mkdirat(made.fd, e->name, 0755);
    else if (kind == 1)
        rc = symlinkat("nowhere", made.fd, e->name);
    else if (kind == 2)
        rc = mkfifoat(made.fd, e->name, 0600);
    else
        rc = fd = openat(made.fd, e->name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (rc == -1)
        return false;
    if (fd != -1) {
        CHECK(ftruncate(fd, (off_t) e->size << (kind % 32)) == 0
              || errno == EFBIG);
        close(fd);
    }
    (void) !utimensat(made.fd, e->name, times, AT_SYMLINK_NOFOLLOW);
    return true;
}


static void
fill(str_t in)
{
    struct entry *e;
    int64_t       at;
    size_t        n;

    while (in.n >= NUMBERS + 1 && made.n != ENTRIES) {
        e = &made.at[made.n];
        e->size = (unsigned char) in.p[1] << 8 | (unsigned char) in.p[2];
        memcpy(&at, in.p + 3, sizeof(at));
        n = (unsigned char) in.p[NUMBERS];
        if (n > in.n - NUMBERS - 1)
            n = in.n - NUMBERS - 1;
        memcpy(e->name, in.p + NUMBERS + 1, n);
        e->name[n] = '\0';
        /* Nothing is made outside of the folder. */
        if (e->name[0] != '.' && strchr(e->name, '/') == NULL
            && make_entry(e, (unsigned char) in.p[0], (time_t) at))
            made.n++;
        in = str_from(in, NUMBERS + 1 + n);
    }
}


static int
compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    if (x->is_folder != y->is_folder)
        return x->is_folder ? -1 : 1;
    return strcmp(x->name, y->name);
}


/* --- the lists ------------------------------------------------------------- */

static void
expect(str_t *out, str_t what)
{
    CHECK(str_starts(*out, what));
    *out = str_from(*out, what.n);
}


/* Takes a pattern off: 9 is a digit, A a letter, the rest itself. */
static void
expect_like(str_t *out, const char *pattern)
{
    for (; *pattern != '\0'; pattern++, *out = str_from(*out, 1)) {
        char c = out->n != 0 ? out->p[0] : '\0', low = ascii_lower(c);

        if (*pattern == '9')
            CHECK(c >= '0' && c <= '9');
        else if (*pattern == 'A')
            CHECK(low >= 'a' && low <= 'z');
        else
            CHECK(c == *pattern);
    }
}


static void
skip(str_t *out, const char *any_of)
{
    while (out->n != 0 && out->p[0] != '\0' && strchr(any_of, out->p[0]))
        *out = str_from(*out, 1);
}


/* Behind the first such text; what is before has no "<". */
static void
skip_to(str_t *out, const char *what)
{
    const char *at = str_find(*out, str_of(what));

    CHECK(at != NULL && !str_chr(str_span(out->p, at), '<'));
    *out = str_from(*out, (size_t) (at - out->p) + strlen(what));
}


static void
check_html(struct arena *a, str_t out)
{
    const char *start = str_find(out, STR("../</a>\r\n"));

    CHECK(start != NULL);
    out = str_span(start + sizeof("../</a>\r\n") - 1, out.p + out.n);
    for (unsigned i = 0; i < made.n; i++) {
        const struct entry *e = &made.at[i];
        str_t               name = str_of(e->name);

        expect(&out, STR("<a href=\""));
        expect(&out, escape_uri(a, name, ESCAPE_URI_COMPONENT));
        expect(&out, e->is_folder ? STR("/\">") : STR("\">"));
        skip_to(&out, "</a>");
        skip(&out, " ");
        expect_like(&out, "99-AAA-9999 99:99 ");
        skip(&out, " 0123456789GMK-");
        expect(&out, STR("\r\n"));
    }
    expect(&out, STR("</pre><hr></body>\r\n</html>\r\n"));
    CHECK(out.n == 0);
}


static const char *
kind_of(const struct entry *e)
{
    return e->is_folder ? "directory" : e->is_file ? "file" : "other";
}


static void
check_xml(struct arena *a, str_t out)
{
    expect(&out, STR("<?xml version=\"1.0\"?>\r\n<list>\r\n"));
    for (unsigned i = 0; i < made.n; i++) {
        const struct entry *e = &made.at[i];

        expect(&out, arena_printf(a, "<%s mtime=\"", kind_of(e)));
        expect_like(&out, "9999-99-99T99:99:99Z\"");
        if (e->is_file)
            expect(&out, STR(" size=\""));
        skip(&out, e->is_file ? "0123456789\"" : "");
        expect(&out, STR(">"));
        expect(&out, escape_html(a, str_of(e->name)));
        expect(&out, arena_printf(a, "</%s>\r\n", kind_of(e)));
    }
    expect(&out, STR("</list>\r\n"));
    CHECK(out.n == 0);
}


static void
check_json(struct arena *a, str_t out, bool is_called)
{
    if (is_called)
        expect(&out, STR("/* callback */\r\nf("));
    expect(&out, STR("["));
    for (unsigned i = 0; i < made.n; i++) {
        const struct entry *e = &made.at[i];

        expect(&out,
               i == 0 ? STR("\r\n{ \"name\":\"") : STR(",\r\n{ \"name\":\""));
        expect(&out, escape_json(a, str_of(e->name)));
        expect(&out, arena_printf(a, "\", \"type\":\"%s\", \"mtime\":\"",
                                  kind_of(e)));
        expect_like(&out, "AAA, 99 AAA 9999 99:99:99 GMT\"");
        if (e->is_file)
            expect(&out, STR(", \"size\":"));
        skip(&out, e->is_file ? "0123456789" : "");
        expect(&out, STR(" }"));
    }
    expect(&out, is_called ? STR("\r\n]);") : STR("\r\n]"));
    CHECK(out.n == 0);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);

    if (gen == NULL)
        set_up();
    fill((str_t){ (const char *) data, size });
    qsort(made.at, made.n, sizeof(made.at[0]), compare);
    check_html(a, list(STR("/html/"), STR("")));
    check_html(a, list(STR("/local/"), STR("")));
    check_xml(a, list(STR("/xml/"), STR("")));
    check_json(a, list(STR("/json/"), STR("")), false);
    check_json(a, list(STR("/jsonp/"), STR("a&callback=f")), true);
    clean_folder();
    arena_free(a);
    return 0;
}

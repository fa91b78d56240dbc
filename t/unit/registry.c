/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones over generations, in processes that live on, and in another program.
 */
#include "core/shm/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/conf/module.h"
#include "core/log/target.h"
#include "t/unit/tap.h"

struct module *const weir_modules[] = { NULL };

static struct log_targets quiet_targets = { .level = LEVEL_STDERR };
static struct log         quiet = { .targets = &quiet_targets };


/* The root is a number. */
static bool
init_number(struct zone *z)
{
    unsigned *n = zone_alloc(z, sizeof(*n));

    *n = 0;
    zone_set_root(z, n);
    return true;
}


static bool
refuse(struct zone *z)
{
    (void) z;
    return false;
}


static unsigned checked;


static bool
check(const struct generation *g, const struct zone_conf *z, struct zone *in,
      const struct log *log)
{
    (void) g;
    (void) log;
    checked++;
    return in != z->zone;
}


static const struct zone_use number
    = { .name = "number", .version = 1, .init = init_number, .check = check };
static const struct zone_use newer
    = { .name = "number", .version = 2, .init = init_number };
static const struct zone_use large
    = { .name = "large", .version = 1, .init = refuse };


/* A generation with a zone; others are added. */
static struct generation *
with_zone(const char *name, size_t size, const struct zone_use *use)
{
    struct arena      *a = arena_new(0);
    struct generation *g = arena_make(a, struct generation);

    g->arena = a;
    g->refs = 1;
    list_init(&g->alive);
    g->zones = arena_make(a, struct zone_conf);
    g->zones->name = str_of(name);
    g->zones->size = size;
    g->zones->use = use;
    g->zones->fd = -1;
    return g;
}


static struct generation *
open_zone(const char *name, size_t size, const struct zone_use *use,
          const struct generation *old)
{
    struct generation *g = with_zone(name, size, use);

    if (!zones_open(g, old, false, &quiet))
        exit(1);
    return g;
}


static unsigned *
number_in(const struct generation *g)
{
    return zone_root(g->zones->zone);
}


static bool
is_mapped(const void *at)
{
    int  fd[2];
    bool is;

    if (pipe(fd) == -1)
        exit(1);
    is = write(fd[1], at, 1) == 1;
    close(fd[0]);
    close(fd[1]);
    return is;
}


static bool
is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}


static void
test_generations(void)
{
    struct generation *a = open_zone("z", 65536, &number, NULL), *b, *c, *d;
    struct zone       *at = a->zones->zone;
    int                fd = a->zones->fd;

    is(checked, 1, "a generation is checked");
    *number_in(a) = 7;
    b = open_zone("z", 65536, &number, a);
    is(checked, 2, "the next one, too");
    is_same(b->zones->zone, at, "which has the same zone");
    is(b->zones->serial, a->zones->serial, "by number, too");
    generation_put(a);
    is(*number_in(b), 7, "its contents are kept");

    c = open_zone("z", 131072, &number, b);
    ok(c->zones->zone != at, "another size: another zone");
    is(*number_in(c), 0, "which is new");
    is(*number_in(b), 7, "the old one is there as long as it is used");
    generation_put(b);
    ok(!is_mapped(at), "then it is unmapped");
    ok(!is_open(fd), "and closed");

    d = open_zone("z", 131072, &newer, c);
    ok(d->zones->zone != c->zones->zone, "another layout: another zone");
    generation_put(d);
    d = open_zone("y", 131072, &number, c);
    ok(d->zones->zone != c->zones->zone, "another name: another zone");
    generation_put(c);
    generation_put(d);
}


static void
test_refused(void)
{
    struct generation *g = with_zone("z", 0, &number);

    ok(!zones_open(g, NULL, false, &quiet), "without a size");
    generation_put(g);
    g = with_zone("z", 65536, &large);
    ok(!zones_open(g, NULL, false, &quiet), "too small for what is in it");
    generation_put(g);
    g = with_zone("z", 65536, &number);
    ok(zones_open(g, NULL, true, &quiet), "a test");
    ok(g->zones->zone == NULL, "... shares nothing");
    generation_put(g);
    g = with_zone("z", 65536, &large);
    ok(!zones_open(g, NULL, true, &quiet), "... and fails as well");
    generation_put(g);
}


/* --- a process that lives on ------------------------------------------------- */

struct order {
    struct zone_conf zone;
};


/* A descriptor of the parent. */
static int
open_parent(int fd)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int) getppid(), fd);
    return open(path, O_RDWR);
}


/* In the child: a generation that has the zone; the exit code says what is
 * wrong. */
static int
follow(const struct order *o)
{
    struct generation *g = with_zone("z", 65536, &number);
    struct generation *again = with_zone("z", 65536, &number);
    struct generation *other = with_zone("z", 65536, &number);

    *g->zones = *again->zones = *other->zones = o->zone;
    g->zones->fd = open_parent(o->zone.fd);
    again->zones->fd = other->zones->fd = -1;
    other->zones->serial++;
    zones_forget(g);
    zones_forget(again);
    zones_forget(other);
    if (!zones_map(g) || g->zones->fd != -1)
        return 1;
    if (++*number_in(g) != 8)
        return 2;
    if (!zones_map(again) || again->zones->mapping != g->zones->mapping)
        return 3;
    if (zones_map(other) || errno != EADDRINUSE)
        return 4;
    return is_mapped(o->zone.zone) ? 0 : 5;
}


static void
test_living(void)
{
    int                orders[2], status;
    struct order       o;
    struct generation *g, *first;
    pid_t              pid;

    first = open_zone("first", 32768, &number, NULL); /* reserves the range */
    if (pipe(orders) == -1)
        exit(1);
    pid = fork();
    if (pid == 0) {
        if (read(orders[0], &o, sizeof(o)) != sizeof(o))
            _exit(9);
        _exit(follow(&o));
    }
    g = open_zone("z", 65536, &number, NULL);
    *number_in(g) = 7;
    o = (struct order){ .zone = *g->zones };
    if (write(orders[1], &o, sizeof(o)) != sizeof(o))
        exit(1);
    waitpid(pid, &status, 0);
    is(WEXITSTATUS(status), 0, "another process maps a new zone");
    is(*number_in(g), 8, "and writes to it");
    generation_put(g);
    generation_put(first);
    close(orders[0]);
    close(orders[1]);
}


/* --- another program --------------------------------------------------------- */

/* After exec: the exit code says what is wrong. */
static int
after_exec(void)
{
    struct generation *kept, *sized, *used;
    const char        *text = getenv("WEIR_ZONES"), *last;
    int                unused, wrong = 0;

    zones_inherit(text, &quiet);
    last = strrchr(text, ';');
    while (last > text && last[-1] != ';')
        last--;
    unused = atoi(last);
    kept = open_zone("kept", 65536, &number, NULL);
    sized = open_zone("sized", 65536, &number, NULL);
    used = open_zone("used", 65536, &newer, NULL);
    if (*number_in(kept) != 7)
        wrong = 1;
    ++*number_in(kept);
    if (*number_in(sized) != 0)
        wrong = 2;
    if (*number_in(used) != 0)
        wrong = 3;
    if (!is_open(unused))
        wrong = 4;
    zones_close_unused();
    if (is_open(unused))
        wrong = 5;
    generation_put(kept);
    generation_put(sized);
    generation_put(used);
    return wrong;
}


static void
test_exec(char *self)
{
    struct generation *kept = open_zone("kept", 65536, &number, NULL);
    struct generation *sized = open_zone("sized", 131072, &number, NULL);
    struct generation *used = open_zone("used", 65536, &number, NULL);
    struct generation *unused = open_zone("unused", 65536, &number, NULL);
    struct arena      *a = arena_new(0);
    char              *args[] = { self, (char *) "exec", NULL };
    char              *env[] = { NULL, NULL };
    int                status;
    pid_t              pid;

    *number_in(kept) = *number_in(sized) = *number_in(used) = 7;
    pid = fork();
    if (pid == 0) {
        env[0] = str_z(a, zones_export(a));
        execve("/proc/self/exe", args, env);
        _exit(9);
    }
    waitpid(pid, &status, 0);
    is(WEXITSTATUS(status), 0, "another program goes on with a zone");
    is(*number_in(kept), 8, "which it shares with this one");
    is(*number_in(sized), 7, "one of another size is left alone");
    is(*number_in(used), 7, "and one of another layout");
    generation_put(kept);
    generation_put(sized);
    generation_put(used);
    generation_put(unused);
    arena_free(a);
}


static void
test_bad_inheritance(void)
{
    static const char *const bad[]
        = { "", ";", "1", "1;2", "x;y;", "4096;4096;x;", "0;0;9;", ";;;" };
    char        text[64];
    int         fd = memfd_create("test", MFD_ALLOW_SEALING);
    static char zeroes[8192];

    zones_inherit(NULL, &quiet);
    for (unsigned i = 0; i < countof(bad); i++)
        zones_inherit(bad[i], &quiet);
    pass("what is not a list of zones is ignored");
    if (write(fd, zeroes, sizeof(zeroes)) != sizeof(zeroes))
        exit(1);
    snprintf(text, sizeof(text), "1;4096;%d;", fd);
    zones_inherit(text, &quiet);
    ok(!is_open(fd), "a file that is not a zone is closed");
}


int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "exec") == 0)
        return after_exec();
    test_generations();
    test_refused();
    test_living();
    test_exec(argv[0]);
    test_bad_inheritance();
    return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MaxMind DB files that one process opens and another one reads, without
 * opening them.
 */
#include "modules/value/mmdb.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/os/mapped.h"
#include "t/unit/tap.h"

/* 0.0.0.0/1 => { iso => 'AA' } */
#define TREE \
    "\0\0\x11\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe1" \
    "Ciso" \
    "BAA"
#define METADATA \
    "\xab\xcd\xefMaxMind.com\xe9[binary_format_major_version\xa1\2" \
    "[binary_format_minor_version\xa0Kbuild_epoch\4\2\x49\x96\2\xd2" \
    "Mdatabase_typeIWeir-TestKdescription\xe1" \
    "BenDTestJip_version\xa1\4" \
    "Ilanguages\1\4BenJnode_count\xc1\1Krecord_size\xa1\x18"

static const char bytes[] = TREE METADATA;
static char                      path[] = "/tmp/weir-mmdb-XXXXXX";


static void
write_file(const char *name, size_t n)
{
    FILE *f = fopen(name, "w");

    if (f == NULL || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        fail("%s is written", name);
}


static bool
has(const struct mmdb *m, uint32_t address)
{
    struct sockaddr_in   at = { .sin_family = AF_INET };
    int                  error;
    MMDB_lookup_result_s found;

    at.sin_addr.s_addr = htonl(address);
    found = MMDB_lookup_sockaddr(&m->db, (struct sockaddr *) &at, &error);
    return error == MMDB_SUCCESS && found.found_entry
           && memcmp(m->db.data_section + found.entry.offset,
                     "\xe1"
                     "Ciso",
                     5)
                  == 0;
}


/* What another process has got of o. */
static bool
read_elsewhere(const struct mmdb_opening *o)
{
    struct mmdb other = o->found;
    bool        is_good = mmdb_map(&other, o->fd) && has(&other, 0x0a000001)
                   && !has(&other, 0x8a000001);

    mmdb_unmap(&other);
    return is_good && other.db.file_content == NULL;
}


static void
test_opened(void)
{
    struct mmdb_opening o = { .path = path }, again = { .path = path };
    int                 status = -1;
    pid_t               child;

    write_file(path, sizeof(bytes) - 1);
    mmdb_open(&o, NULL);
    is(o.status, MMDB_SUCCESS, "opened");
    ok(o.fd != -1 && o.error == 0, "a descriptor");
    is(o.found.db.metadata.build_epoch, 1234567890, "build_epoch");
    ok(o.found.db.filename == NULL && o.found.db.file_content == NULL
           && o.found.db.data_section == NULL
           && o.found.db.metadata_section == NULL
           && o.found.db.metadata.database_type == NULL
           && o.found.db.metadata.languages.names == NULL
           && o.found.db.metadata.description.descriptions == NULL,
       "no pointers");

    mmdb_open(&again, &o.found.mark);
    ok(again.fd == -1 && again.error == 0 && again.status == MMDB_SUCCESS,
       "not opened again");

    unlink(path);
    child = fork();
    if (child == 0)
        _exit(!read_elsewhere(&o));
    waitpid(child, &status, 0);
    is(status, 0, "read in another process, when its name is gone");
    mmdb_open(&again, &o.found.mark);
    ok(again.fd == -1 && again.error != 0, "gone");
    close(o.fd);
}


static void
test_replaced(void)
{
    struct mmdb_opening o = { .path = path }, again = { .path = path };
    char                next[sizeof(path) + 4];

    snprintf(next, sizeof(next), "%s.new", path);
    write_file(path, sizeof(bytes) - 1);
    mmdb_open(&o, NULL);
    write_file(next, sizeof(bytes) - 1);
    rename(next, path);
    mmdb_open(&again, &o.found.mark);
    ok(again.fd != -1 && again.status == MMDB_SUCCESS, "replaced");
    ok(read_elsewhere(&o) && read_elsewhere(&again), "both can be read");
    close(o.fd);
    close(again.fd);
}


static void
test_broken(void)
{
    struct mmdb_opening cut = { .path = path }, folder = { .path = "/tmp" };

    write_file(path, sizeof(bytes) - 40);
    mmdb_open(&cut, NULL);
    ok(cut.fd == -1 && cut.error == 0 && cut.status != MMDB_SUCCESS, "cut off");
    mmdb_open(&folder, NULL);
    ok(folder.fd == -1 && folder.status == MMDB_IO_ERROR, "a folder");
    ok(!mmdb_map(&cut.found, -1), "not mapped");
    mmdb_unmap(&cut.found);
}


int
main(void)
{
    int fd = mkstemp(path);

    plan(12);
    if (fd != -1)
        close(fd);
    mapped_init();
    test_opened();
    test_replaced();
    test_broken();
    unlink(path);
    return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processors as cgroups of both versions limit them.
 */
#include "core/os/cpu.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/unit/tap.h"

static char folder[] = "/tmp/weir-cpu-XXXXXX";


/* Writes a file of the folder, making the folders on its way. */
static void
put(const char *name, const char *text)
{
    char  path[256];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (char *p = path + strlen(folder) + 1; *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        mkdir(path, 0700);
        *p = '/';
    }
    f = fopen(path, "w");
    if (f == NULL)
        abort();
    fputs(text, f);
    fclose(f);
}


static int
drop(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void) st;
    (void) kind;
    (void) ftw;
    return remove(path);
}


static unsigned
quota(const char *groups)
{
    char file[256], mount[256];

    put("groups", groups);
    snprintf(file, sizeof(file), "%s/groups", folder);
    snprintf(mount, sizeof(mount), "%s/cgroup", folder);
    return cpu_quota(file, mount);
}


int
main(void)
{
    if (mkdtemp(folder) == NULL)
        abort();

    is(quota("0::/\n"), 0, "no files");
    put("cgroup/a/b/cpu.max", "max 100000\n");
    is(quota("0::/a/b\n"), 0, "version 2: no limit");
    put("cgroup/a/cpu.max", "250000 100000\n");
    is(quota("0::/a/b\n"), 3, "version 2: of the group above, rounded up");
    put("cgroup/a/b/cpu.max", "50000 100000\n");
    is(quota("0::/a/b\n"), 1, "version 2: the least");
    is(quota("0::/a\n"), 3, "version 2: not of a group below");
    put("cgroup/cpu.max", "200000 100000\n");
    is(quota("0::/\n"), 2, "version 2: of the root, in a container");
    is(quota("0::/elsewhere/x\n"), 2, "version 2: a path that is not there");

    put("cgroup/cpu,cpuacct/d/cpu.cfs_quota_us", "-1\n");
    put("cgroup/cpu,cpuacct/d/cpu.cfs_period_us", "100000\n");
    is(quota("4:memory:/d\n3:cpu,cpuacct:/d\n"), 0, "version 1: no limit");
    put("cgroup/cpu,cpuacct/d/cpu.cfs_quota_us", "400000\n");
    is(quota("4:memory:/d\n3:cpu,cpuacct:/d\n"), 4, "version 1: a limit");
    is(quota("3:cpuset:/d\n"), 0, "version 1: of another controller");
    is(quota("rubbish\n:\n"), 0, "rubbish");
    is(cpu_quota("/nonexistent", "/nonexistent"), 0, "no cgroups");
    ok(cpu_count() >= 1, "there is a processor");

    nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
    return done();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The number of processors, limited by affinity (which includes cpusets) and
 * by cgroups of both versions.  Each cgroup above ours can have a quota; the
 * lowest one counts.
 */
#include "core/os/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 1024 };

struct line {
    char text[PATH_ROOM];
};


static bool
read_line(const char *folder, const char *path, const char *name,
          struct line *out)
{
    char  file[2 * PATH_ROOM];
    FILE *f;
    bool  is_read;

    snprintf(file, sizeof(file), "%s%s/%s", folder, path, name);
    f = fopen(file, "re");
    if (f == NULL)
        return false;
    is_read = fgets(out->text, sizeof(out->text), f) != NULL;
    fclose(f);
    return is_read;
}


static unsigned
divide(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    return (unsigned) ((quota + period - 1) / period);
}


/* The quota of one group: "max 100000" or "150000 100000", or two files of
 * version 1. */
static unsigned
quota_of(const char *folder, const char *path, bool is_v2)
{
    struct line a, b;
    long long   quota, period;

    if (is_v2) {
        if (!read_line(folder, path, "cpu.max", &a)
            || sscanf(a.text, "%lld %lld", &quota, &period) != 2)
            return 0;
        return divide(quota, period);
    }
    if (!read_line(folder, path, "cpu.cfs_quota_us", &a)
        || !read_line(folder, path, "cpu.cfs_period_us", &b)
        || sscanf(a.text, "%lld", &quota) != 1
        || sscanf(b.text, "%lld", &period) != 1)
        return 0;
    return divide(quota, period);
}


/* The lowest quota from the group up to the root; path is shortened on the
 * way. */
static unsigned
least_quota(const char *folder, char *path, bool is_v2)
{
    unsigned least = 0, n;
    char    *slash;

    for (;;) {
        n = quota_of(folder, path, is_v2);
        if (n != 0 && (least == 0 || n < least))
            least = n;
        slash = strrchr(path, '/');
        if (slash == NULL || *path == '\0')
            return least;
        *slash = '\0';
    }
}


static bool
has_word(const char *list, const char *word)
{
    size_t      n = strlen(word);
    const char *p = strstr(list, word);

    return p != NULL && (p == list || p[-1] == ',')
           && (p[n] == ',' || p[n] == '\0');
}


/* A line "0::/a/b" of version 2, or "4:cpu,cpuacct:/a/b" of version 1. */
static unsigned
quota_of_line(char *text, const char *mount)
{
    char  folder[PATH_ROOM];
    char *controllers = strchr(text, ':'), *path;

    if (controllers == NULL)
        return 0;
    *controllers++ = '\0';
    path = strchr(controllers, ':');
    if (path == NULL)
        return 0;
    *path++ = '\0';
    path[strcspn(path, "\n")] = '\0';
    if (strcmp(path, "/") == 0)
        *path = '\0';
    if (*controllers == '\0')
        return least_quota(mount, path, true);
    if (!has_word(controllers, "cpu"))
        return 0;
    snprintf(folder, sizeof(folder), "%s/%s", mount, controllers);
    return least_quota(folder, path, false);
}


unsigned
cpu_quota(const char *groups, const char *mount)
{
    FILE       *f = fopen(groups, "re");
    struct line l;
    unsigned    least = 0, n;

    if (f == NULL)
        return 0;
    while (fgets(l.text, sizeof(l.text), f) != NULL) {
        n = quota_of_line(l.text, mount);
        if (n != 0 && (least == 0 || n < least))
            least = n;
    }
    fclose(f);
    return least;
}


unsigned
cpu_count(void)
{
    cpu_set_t set;
    unsigned  quota = cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    long      n;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        n = CPU_COUNT(&set);
    else
        n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1)
        n = 1;
    return quota != 0 && quota < (unsigned) n ? quota : (unsigned) n;
}

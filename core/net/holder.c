/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket table has the inode of the listening socket, and the descriptors
 * of the processes show who owns it.  Best effort: this runs after a failed
 * start, for the user at the terminal.
 */
#include "core/net/holder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LISTENS = 0x0A };


/* The inode of the socket that listens on port according to the table, or
 * 0. */
static unsigned long
find_inode(const char *table, unsigned port)
{
    FILE         *f = fopen(table, "re");
    char          line[512];
    unsigned      local, state;
    unsigned long inode, found = 0;

    if (f == NULL)
        return 0;
    while (found == 0 && fgets(line, sizeof(line), f) != NULL)
        if (sscanf(line,
                   " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s "
                   "%*u %*u %lu",
                   &local, &state, &inode)
                == 3
            && state == LISTENS && local == port)
            found = inode;
    fclose(f);
    return found;
}


/* Whether one of the process's descriptors is that socket. */
static bool
holds(const char *pid, const char *socket)
{
    char           path[300], target[64];
    struct dirent *entry;
    ssize_t        n;
    bool           found = false;
    DIR           *folder;

    snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
    folder = opendir(path);
    if (folder == NULL)
        return false;
    while (!found && (entry = readdir(folder)) != NULL) {
        n = readlinkat(dirfd(folder), entry->d_name, target,
                       sizeof(target) - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        found = strcmp(target, socket) == 0;
    }
    closedir(folder);
    return found;
}


static void
read_name(const char *pid, char name[HOLDER_NAME])
{
    char   path[64];
    FILE  *f;
    size_t n = 0;

    snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
    f = fopen(path, "re");
    if (f != NULL) {
        n = fread(name, 1, HOLDER_NAME - 1, f);
        fclose(f);
    }
    while (n > 0 && (unsigned char) name[n - 1] < 0x20)
        n--;
    name[n] = '\0';
}


pid_t
holder_find(const struct sockaddr *sa, char name[HOLDER_NAME])
{
    unsigned       port = addr_port(sa);
    unsigned long  inode = find_inode("/proc/net/tcp", port);
    char           socket[64];
    struct dirent *entry;
    pid_t          pid = 0;
    DIR           *folder;

    name[0] = '\0';
    if (inode == 0)
        inode = find_inode("/proc/net/tcp6", port);
    folder = inode != 0 ? opendir("/proc") : NULL;
    if (folder == NULL)
        return 0;
    snprintf(socket, sizeof(socket), "socket:[%lu]", inode);
    while (pid == 0 && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9'
            || !holds(entry->d_name, socket))
            continue;
        pid = (pid_t) strtol(entry->d_name, NULL, 10);
        read_name(entry->d_name, name);
    }
    closedir(folder);
    return pid;
}

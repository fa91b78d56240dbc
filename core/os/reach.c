/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks the folders of a path one after the other, from the root on, with the
 * rights of the effective user.
 */
#include "core/os/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>


static str_t
tell(struct arena *a, const char *verb, const char *path)
{
    const struct passwd *user = getpwuid(geteuid());
    struct stat          st;

    if (stat(path, &st) == -1)
        st.st_mode = 0;
    return arena_printf(a, "user %s may not %s %s (%04o)",
                        user != NULL ? user->pw_name : "?", verb, path,
                        (unsigned) st.st_mode & 07777);
}


static bool
is_refused(const char *path, int mode)
{
    return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == -1 && errno == EACCES;
}


str_t
reach_refusal(struct arena *a, str_t path)
{
    const char *folder;

    for (size_t i = 0; i < path.n; i++) {
        if (path.p[i] != '/')
            continue;
        folder = str_z(a, (str_t){ path.p, i > 0 ? i : 1 });
        if (is_refused(folder, X_OK))
            return tell(a, "enter", folder);
    }
    if (is_refused(str_z(a, path), R_OK))
        return tell(a, "read", str_z(a, path));
    return STR_NONE;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reloads by the master.
 */
#pragma once

#include "core/proc/crew.h"

/* Reads the configuration again and has it served, or leaves all as it was;
 * m->outcome has what came of it.  explains: hints are kept, too. */
void master_reload(struct master *m, bool explains);

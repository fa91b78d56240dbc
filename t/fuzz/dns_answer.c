/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of name servers: whatever comes, an alias and the host of a service
 * are names that can be asked for, and bytes behind the answer change nothing.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/net/dns_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
check_name(const char *name)
{
    for (size_t i = 0; name[i] != '\0'; i++)
        CHECK(i < DNS_NAME_MAX && name[i] > ' ' && name[i] < 0x7f
              && name[i] == ascii_lower(name[i]));
    CHECK(strstr(name, "..") == NULL && name[0] != '.');
}


static void
check_answer(str_t packet, enum dns_type type)
{
    struct dns_answer found, longer;
    char             *copy = malloc(packet.n + 1);

    CHECK(copy != NULL);
    if (packet.n != 0)
        memcpy(copy, packet.p, packet.n);
    copy[packet.n] = '\x7f';
    if (dns_answer_read(&found, packet, type)) {
        CHECK(found.n <= DNS_ADDRESSES_MAX && found.ttl <= INT32_MAX);
        CHECK(found.n_services <= DNS_SERVICES_MAX);
        check_name(found.alias);
        for (size_t i = 0; i < found.n_services; i++) {
            check_name(found.service[i].host);
            CHECK(found.service[i].host[0] != '\0'
                  && found.service[i].port != 0);
        }
        CHECK(dns_answer_read(&longer, (str_t){ copy, packet.n + 1 }, type));
        CHECK(longer.n == found.n && longer.n_services == found.n_services
              && longer.ttl == found.ttl
              && memcmp(longer.at, found.at, found.n * sizeof(found.at[0]))
                     == 0);
    }
    free(copy);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str_t packet = { (const char *) data, size };

    check_answer(packet, DNS_A);
    check_answer(packet, DNS_AAAA);
    check_answer(packet, DNS_SRV);
    return 0;
}

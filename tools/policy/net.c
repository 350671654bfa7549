/* SPDX-License-Identifier: MIT
 *
 * Network rules as text: PROTOCOL:[ADDRESS[/PREFIX]:]PORT. The protocol is
 * tcp or udp; the address IPv4, IPv6 in brackets or * for any; the port a
 * number, a range 8000-8080, or *. "tcp:443" is "tcp:*:443".
 */
#include "tools/policy/policy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { TCP = 6, UDP = 17, PORT_MAX = 65535, RULE_TEXT = 80 };

static bool parse_number(const char *text, unsigned max, unsigned *out)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    *out = (unsigned)n;
    return *text >= '0' && *text <= '9' && !*end && n <= max;
}

static bool parse_ports(char *text, struct policy_rule *r)
{
    char *dash = strchr(text, '-');
    unsigned low = 0, high = PORT_MAX;

    if (strcmp(text, "*") != 0) {
        if (dash) {
            *dash = '\0';
        }
        if (!parse_number(text, PORT_MAX, &low) ||
            !parse_number(dash ? dash + 1 : text, PORT_MAX, &high)) {
            return false;
        }
    }
    r->port_low = (uint16_t)low;
    r->port_high = (uint16_t)high;
    return low <= high;
}

static void clear_below(uint8_t *address, unsigned prefix)
{
    for (unsigned i = prefix; i < 128; i++) {
        address[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
    }
}

static bool parse_address(char *text, struct policy_rule *r)
{
    char *slash = strchr(text, '/');
    size_t len;
    unsigned prefix;

    if (!strcmp(text, "*")) {
        return true;
    }
    if (slash) {
        *slash = '\0';
    }
    len = strlen(text);
    if (text[0] == '[' && len > 1 && text[len - 1] == ']') {
        text[len - 1] = '\0';
        r->family = 6;
        text++;
    } else {
        r->family = 4;
    }
    prefix = r->family == 6 ? 128 : 32;
    if (inet_pton(r->family == 6 ? AF_INET6 : AF_INET, text, r->address) != 1 ||
        (slash && !parse_number(slash + 1, prefix, &prefix))) {
        return false;
    }
    r->prefix = (uint8_t)prefix;
    clear_below(r->address, prefix);
    return true;
}

bool policy_parse_rule(const char *text, struct policy_rule *out)
{
    char copy[RULE_TEXT], *port;

    memset(out, 0, sizeof(*out));
    if (strlen(text) >= sizeof(copy)) {
        return false;
    }
    if (!strncmp(text, "tcp:", 4)) {
        out->protocol = TCP;
    } else if (!strncmp(text, "udp:", 4)) {
        out->protocol = UDP;
    } else {
        return false;
    }
    strcpy(copy, text + 4);
    port = strrchr(copy, ':');
    if (!port) {
        return parse_ports(copy, out);
    }
    *port = '\0';
    return parse_ports(port + 1, out) && parse_address(copy, out);
}

void policy_print_rule(const struct policy_rule *r, char *out)
{
    char address[INET6_ADDRSTRLEN] = "*", ports[16] = "*", prefix[8] = "";

    if (r->family) {
        inet_ntop(r->family == 6 ? AF_INET6 : AF_INET, r->address, address,
                  sizeof(address));
        snprintf(prefix, sizeof(prefix), "/%u", r->prefix);
    }
    if (r->port_low == r->port_high) {
        snprintf(ports, sizeof(ports), "%u", r->port_low);
    } else if (r->port_low || r->port_high != PORT_MAX) {
        snprintf(ports, sizeof(ports), "%u-%u", r->port_low, r->port_high);
    }
    snprintf(out, RULE_TEXT, "%s:%s%s%s%s:%s",
             r->protocol == TCP ? "tcp" : "udp", r->family == 6 ? "[" : "",
             address, r->family == 6 ? "]" : "", prefix, ports);
}

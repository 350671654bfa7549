/* SPDX-License-Identifier: MIT
 *
 * uname, sethostname, setdomainname. Natively the name is the machine's, so
 * it is only ever set to what it is.
 */
#include <sys/utsname.h>
#include "tests/guest/show.h"

int main(void)
{
    struct utsname u, v;
    char name[100];

    show_start();
    CALL(uname, &u);
    printf("%s %s %d\n", u.sysname, u.machine, u.nodename[0] != 0);
    int major = atoi(u.release);
    printf("release %d\n", major >= 5);
    CALL(uname, BAD);
    CALL(uname, NULL);
    gethostname(name, sizeof(name));
    printf("the same %d\n", strcmp(name, u.nodename) == 0);
    SHOW(sethostname(u.nodename, strlen(u.nodename)));
    SHOW(setdomainname(u.domainname, strlen(u.domainname)));
    uname(&v);
    printf("the same %d\n", memcmp(&u, &v, sizeof(u)) == 0);
    CALL(sethostname, name, -1);
    CALL(sethostname, name, 65);
    CALL(sethostname, BAD, 5);
    CALL(setdomainname, name, -1);
    CALL(setdomainname, name, 65);
    CALL(setdomainname, BAD, 5);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(sethostname, name, 5);
    CALL(sethostname, name, -1);
    CALL(setdomainname, name, 5);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * The commented policy that `enclos init` writes: every key, with its
 * default.
 */
#include "tools/policy/policy.h"
#include "tools/policy/json.h"

#include <string.h>

static const char before_program[] =
    "// A policy: what the program of a bundle may do. `enclos build SRC\n"
    "// --policy THIS -o app.enc` compiles it; it is measured with the image.\n"
    "// Every key may be left out; what stands here is the default.\n"
    "{\n"
    "  \"entry\": {\n"
    "    // What is started, as a path in the image. Container images and\n"
    "    // single programs bring their own.\n";

static const char before_args[] =
    ",\n"
    "    // argv; the first is the program's name.\n";

static const char rest[] =
    "],\n"
    "    // These follow, unless \"insecure\" has \"host-args\" and the host\n"
    "    // gives others.\n"
    "    \"default_args\": [],\n"
    "    \"cwd\": \"/\",\n"
    "    \"hostname\": \"enclos\",\n"
    "    \"uid\": 0,\n"
    "    \"gid\": 0,\n"
    "    \"umask\": \"022\",\n"
    "  },\n"
    "\n"
    "  \"env\": {\n"
    "    // Set to these values, besides PATH and what the image says.\n"
    "    \"set\": {},\n"
    "    // Taken from the host; needs \"host-env\" in \"insecure\".\n"
    "    \"pass\": [],\n"
    "  },\n"
    "\n"
    "  // A ceiling on all memory, such as \"512M\". Class sgx1 needs one.\n"
    "  \"memory\": \"unlimited\",\n"
    "  // What a process may have written for fork(2) to succeed: as much is\n"
    "  // exchanged, at worst copied, whenever it and its child take turns.\n"
    "  \"swap_memory\": \"unlimited\",\n"
    "  // Virtual CPUs, 1 to 64.\n"
    "  \"vcpus\": 4,\n"
    "  // Protection keys between processes: not supported yet.\n"
    "  \"isolation\": \"none\",\n"
    "\n"
    "  // Besides the image, which is the root, and /proc, /sys, /dev, /tmp:\n"
    "  //   {\"type\": \"tmpfs\", \"target\": \"/scratch\", \"size\": "
    "\"64M\",\n"
    "  //    \"mode\": \"1777\", \"options\": [\"nosuid\", \"nodev\"]}\n"
    "  //   {\"type\": \"hostfs\", \"target\": \"/data\", \"source\": "
    "\"/srv/data\"}\n"
    "  // hostfs is read-only without the option \"rw\", and needs \"hostfs\" "
    "in \"insecure\".\n"
    "  \"mounts\": [],\n"
    "\n"
    "  // The host's network: PROTOCOL:[ADDRESS[/PREFIX]:]PORT, such as\n"
    "  // \"tcp:8080\", \"tcp:10.0.0.0/8:5432\", \"udp:[fd00::]/8:53\",\n"
    "  // \"tcp:*:8000-8999\", \"tcp:*\". What is not listed is refused.\n"
    "  \"net\": {\n"
    "    \"listen\": [],\n"
    "    \"connect\": [],\n"
    "  },\n"
    "\n"
    "  // getrlimit(2): a number, or [soft, hard]; \"unlimited\" is one.\n"
    "  //   \"nofile\": [1024, 1048576], \"stack\": [\"8M\", \"unlimited\"]\n"
    "  \"limits\": {},\n"
    "\n"
    "  \"enclave\": {\n"
    "    // \"edmm\" (SGX2), or \"sgx1\".\n"
    "    \"class\": \"edmm\",\n"
    "    // Whoever verifies sees these two; raise svn with security fixes.\n"
    "    \"product_id\": 0,\n"
    "    \"svn\": 0,\n"
    "    // The widest vector state: \"sse\", \"avx\" or \"avx512\".\n"
    "    \"vector\": \"avx512\",\n"
    "  },\n"
    "\n"
    "  // Everything that weakens protection. `enclos sign --release` takes\n"
    "  // only a bundle where this is empty.\n"
    "  //   \"host-args\"  arguments come from the host\n"
    "  //   \"host-env\"   so do the variables of \"pass\"\n"
    "  //   \"hostfs\"     mounts of the host's directories\n"
    "  //   \"debug\"      a debug enclave: the host can read its memory\n"
    "  //   \"strace\"     the host may see system calls and statistics\n"
    "  //   \"no-isolation\"  no protection keys between processes\n"
    "  \"insecure\": [],\n"
    "}\n";

void policy_print_template(FILE *f, const char *program)
{
    const char *off = program ? "" : "// ";
    const char *name;

    program = program ? program : "/bin/program";
    name = strrchr(program, '/');
    fputs(before_program, f);
    fprintf(f, "    %s\"program\": ", off);
    json_quote(f, program);
    fputs(before_args, f);
    fprintf(f, "    %s\"args\": [", off);
    json_quote(f, name ? name + 1 : program);
    fputs(rest, f);
}

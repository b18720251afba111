#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cunit_main.h"
#include "golden.h"
#include "xatop/configuration.h"
#include "xatop/xid.h"

static char folder[64] = "/tmp/xatop-test-config.XXXXXX";
static struct configuration configuration;
static struct err err;

static const char *write_file(const char *name, const char *text, mode_t mode)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    FILE *out = fopen(path, "w");
    if (!out)
        abort();
    fputs(text, out);
    fclose(out);
    if (chmod(path, mode) != 0)
        abort();
    return path;
}

static enum status load(const char *text)
{
    err = (struct err){0};
    return configuration_load(&configuration, write_file("xatop.conf", text, 0600), &err);
}

static void refuses(const char *text, const char *words)
{
    CU_ASSERT_EQUAL(load(text), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
    if (!strstr(err.text, words))
        printf("# wanted '%s' in '%s'\n", words, err.text);
    CU_ASSERT_PTR_NULL(strchr(err.text, '\n'));
}

static void without_anything_it_is_the_lab(void)
{
    configuration_defaults(&configuration);
    CU_ASSERT_TRUE(configuration.builtin_lab);
    CU_ASSERT_EQUAL(configuration.node_count, 2);
    CU_ASSERT_STRING_EQUAL(configuration.nodes[1].name, "n2");
    CU_ASSERT_TRUE(configuration.nodes[0].lab);
    CU_ASSERT_EQUAL(configuration.transaction_timeout_ms, 60000);
    CU_ASSERT_EQUAL(configuration.prepare_timeout_ms, 30000);
    CU_ASSERT_EQUAL(configuration.max_retries, 3);
    CU_ASSERT_EQUAL(configuration.max_inflight, 64);
    CU_ASSERT_TRUE(configuration.settle_ms >= 250);
    CU_ASSERT_TRUE(coordinator_id_valid(configuration.coordinator));
}

static void reads_every_kind_of_key(void)
{
    CU_ASSERT_EQUAL(
        load("coordinator = \"lab-7\";\nmax_retries = 0;\nlog_level = \"debug\";\nstate_dir = \"state\";\n"
             "nodes = ( { name = \"a\"; host = \"h\"; port = 3307; database = \"Shop_1\"; },\n"
             "          { lab = true; log_bin = \"on\"; make = \"mariadb\"; } );\n"),
        STATUS_OK);
    CU_ASSERT_STRING_EQUAL(configuration.coordinator, "lab-7");
    CU_ASSERT_EQUAL(configuration.max_retries, 0);
    CU_ASSERT_EQUAL(configuration.log_level, 3);
    CU_ASSERT_FALSE(configuration.builtin_lab);
    CU_ASSERT_EQUAL(configuration.node_count, 2);
    CU_ASSERT_EQUAL(configuration.nodes[0].port, 3307);
    CU_ASSERT_STRING_EQUAL(configuration.nodes[1].name, "n2");
    CU_ASSERT_EQUAL(configuration.nodes[1].log_bin, LOG_BIN_ON);
    CU_ASSERT_EQUAL(configuration.nodes[1].make, MAKE_MARIADB);
    CU_ASSERT_EQUAL(configuration_find_node(&configuration, "a"), 0);
    CU_ASSERT_EQUAL(configuration_find_node(&configuration, "zzz"), -1);
    char expected[128];
    snprintf(expected, sizeof expected, "%s/state", folder);
    CU_ASSERT_STRING_EQUAL(configuration.state_dir,
                           expected); /* relative to the file, not to where we stand */
}

static void errors_name_line_and_nearest_key(void)
{
    refuses("\n\ntrasaction_timeout_ms = 1;",
            "xatop.conf:3: trasaction_timeout_ms: unknown key; did you mean transaction_timeout_ms");
    refuses("nodes = (\n{ nmae = \"x\"; } );", ":2: nmae: unknown key; did you mean name");
    refuses("zzzzzzzzzzzzzzzzzzzz = 1;", "see xatop.conf(5)");
    refuses("max_retries = \"3\";", ":1: max_retries: wrong type; write a whole number");
    refuses("max_retries = 3.0;", "wrong type");
    refuses("coordinator = 3;", "wrong type; write a string in quotes");
    refuses("nodes = ( { lab = 1; } );", "wrong type; write true or false");
    refuses("nodes = { };", "write a list of groups");
    refuses("nodes = ( 7 );", "each node is a group");
    refuses("nodes = ( );", "1 to 16");
    refuses("max_retries = 101;", "allowed: 0 to 100");
    refuses("max_retries = -1;", "allowed: 0 to 100");
    refuses("settle_ms = 249;", "allowed: 250 to");
    refuses("max_inflight = 0;", "out of range");
    refuses("log_level = \"loud\";", "error, warning, info, debug");
    refuses("coordinator = \"UPPER\";", "lower-case letters");
    refuses("coordinator = \"seventeen-bytes-x\";", "at most 16");
    refuses("coordinator = \"\";", "out of range");
    refuses("nodes = ( { database = \"x`; DROP\"; } );", "letters, digits and _");
    refuses("nodes = ( { host = \"a\\x1b[31m\"; } );", "out of range");
    refuses("max_retries = ;", ":1: syntax error");
    refuses("max_retries = 1;\nmax_retries = 2;", ":2: ");
}

static void numbers_beyond_32_bits_do_not_wrap(void)
{
    refuses("# 99999999999 is fine here\nstate_dir = \"99999999999\";\nlock_wait_s = 4294967296;",
            ":3: a number is out of range");
    refuses("lock_wait_s = 0x100000001;", "out of range");
    CU_ASSERT_EQUAL(load("/* 99999999999 \" */ state_dir = \"a\\\"99999999999\"; lock_wait_s = 7;"),
                    STATUS_OK);
    CU_ASSERT_EQUAL(configuration.lock_wait_s, 7);
}

static void keys_that_contradict_each_other(void)
{
    refuses("nodes = ( { name = \"a\"; }, { name = \"a\"; } );", "two nodes are named a");
    refuses("nodes = ( { server = \"/x\"; } );", "for lab nodes only");
    refuses("nodes = ( { lab = true; socket = \"/x\"; } );", "leave it out");
    refuses("nodes = ( { password_file = \"/x\"; password_prompt = true; } );", "more than one source");
}

static void a_readable_file_may_not_hold_a_password(void)
{
    static const char text[] = "nodes = ( { password = \"hush-hush\"; } );";
    CU_ASSERT_EQUAL(load(text), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(configuration.nodes[0].password, "hush-hush");
    for (int i = 0; i < 2; i++) {
        const char *path = write_file("open.conf", text, i ? 0640 : 0604);
        CU_ASSERT_EQUAL(configuration_load(&configuration, path, &err), STATUS_USAGE);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "chmod 600"));
        CU_ASSERT_PTR_NULL(strstr(err.text, "hush-hush"));
    }
    write_file("part.conf", text, 0644);
    refuses("@include \"part.conf\"\n", "part.conf:1: password: the file can be read by others");
    configuration_wipe(&configuration);
    CU_ASSERT_STRING_EQUAL(configuration.nodes[0].password, "");
}

static void files_that_are_not_taken(void)
{
    char link_path[128];
    CU_ASSERT_EQUAL(configuration_load(&configuration, "/nonexistent/xatop.conf", &err), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nonexistent/xatop.conf: No such file"));
    CU_ASSERT_EQUAL(configuration_load(&configuration, folder, &err), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not a regular file"));
    CU_ASSERT_EQUAL(configuration_load(&configuration, write_file("w.conf", "", 0606), &err), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "written by others"));
    snprintf(link_path, sizeof link_path, "%s/link.conf", folder);
    CU_ASSERT_EQUAL(symlink(write_file("real.conf", "", 0600), link_path), 0);
    CU_ASSERT_EQUAL(configuration_load(&configuration, link_path, &err), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "symbolic link"));
}

static void includes_stay_in_the_folder(void)
{
    write_file("part.conf", "max_retries = 9;\nbogus = 1;\n", 0600);
    refuses("\n@include \"part.conf\"\n", "part.conf:2: bogus");
    refuses("@include \"/etc/passwd\"\n", "only files of the same folder");
    refuses("@include \"../part.conf\"\n", "only files of the same folder");
    write_file("loop.conf", "@include \"loop.conf\"\n", 0600);
    refuses("@include \"loop.conf\"\n", "nested too deeply");
    write_file("part.conf", "max_retries = 9;\n", 0600);
    CU_ASSERT_EQUAL(load("@include \"part.conf\"\n"), STATUS_OK);
    CU_ASSERT_EQUAL(configuration.max_retries, 9);
}

static enum status load_with(const char *name, const char *value)
{
    setenv(name, value, 1);
    enum status status = load("");
    unsetenv(name);
    return status;
}

static void the_environment_overrides(void)
{
    CU_ASSERT_EQUAL(load_with("TRANSACTION_TIMEOUT", "12"), STATUS_OK);
    CU_ASSERT_EQUAL(configuration.transaction_timeout_ms, 12000);
    CU_ASSERT_EQUAL(load_with("PREPARE_TIMEOUT", "7"), STATUS_OK);
    CU_ASSERT_EQUAL(configuration.prepare_timeout_ms, 7000);
    CU_ASSERT_EQUAL(load_with("MAX_RETRY_ATTEMPTS", "0"), STATUS_OK);
    CU_ASSERT_EQUAL(configuration.max_retries, 0);
    CU_ASSERT_TRUE(configuration.builtin_lab);
    static const char *const bad[] = {"1e3", "-1", "99999999999999999999", "5s", "0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_EQUAL(load_with("TRANSACTION_TIMEOUT", bad[i]), STATUS_USAGE);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "TRANSACTION_TIMEOUT: wrong value"));
    }
    CU_ASSERT_EQUAL(load_with("DB1_PORT", "65536"), STATUS_USAGE);
}

static void any_node_variable_replaces_the_lab(void)
{
    setenv("DB1_HOST", "localhost", 1);
    setenv("DB1_PORT", "13306", 1);
    setenv("DB2_DATABASE", "shop", 1);
    setenv("DB2_PASSWORD", "hush-hush", 1);
    CU_ASSERT_EQUAL(load(""), STATUS_OK);
    CU_ASSERT_FALSE(configuration.builtin_lab);
    CU_ASSERT_EQUAL(configuration.node_count, 2);
    CU_ASSERT_FALSE(configuration.nodes[0].lab);
    CU_ASSERT_STRING_EQUAL(configuration.nodes[0].host, "localhost");
    CU_ASSERT_EQUAL(configuration.nodes[0].port, 13306);
    CU_ASSERT_STRING_EQUAL(configuration.nodes[1].name, "n2");
    CU_ASSERT_STRING_EQUAL(configuration.nodes[1].password, "hush-hush");
    CU_ASSERT_PTR_NULL(getenv("DB2_PASSWORD")); /* no child may inherit it */
    unsetenv("DB2_DATABASE");
    CU_ASSERT_EQUAL(load("nodes = ( { name = \"a\"; socket = \"/run/s\"; user = \"u\"; } );"), STATUS_OK);
    CU_ASSERT_EQUAL(configuration.node_count, 1);
    CU_ASSERT_STRING_EQUAL(configuration.nodes[0].name, "a");
    CU_ASSERT_STRING_EQUAL(configuration.nodes[0].user, "u");
    CU_ASSERT_STRING_EQUAL(configuration.nodes[0].socket, ""); /* a port means TCP */
    unsetenv("DB1_HOST");
    unsetenv("DB1_PORT");
    CU_ASSERT_EQUAL(load_with("DB3_HOST", "x"), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "without a gap"));
}

static enum status password_from(const char *text, mode_t mode)
{
    char conf[256];
    write_file("secret", text, mode);
    snprintf(conf, sizeof conf, "nodes = ( { name = \"a\"; password_file = \"secret\"; } );");
    CU_ASSERT_EQUAL(load(conf), STATUS_OK);
    return configuration_passwords(&configuration, &err);
}

static void passwords_from_files(void)
{
    CU_ASSERT_EQUAL(password_from("hush-hush\nsecond line\n", 0600), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(configuration.nodes[0].password, "hush-hush");
    CU_ASSERT_EQUAL(password_from("hush-hush", 0400), STATUS_OK);
    CU_ASSERT_EQUAL(password_from("hush-hush\n", 0640), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "mode 600"));
    CU_ASSERT_EQUAL(password_from("\n", 0600), STATUS_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "holds no password"));
    char path[128];
    snprintf(path, sizeof path, "%s/secret", folder);
    unlink(path);
    CU_ASSERT_EQUAL(configuration_passwords(&configuration, &err), STATUS_USAGE);
    CU_ASSERT_EQUAL(symlink("real.conf", path), 0);
    CU_ASSERT_EQUAL(configuration_passwords(&configuration, &err), STATUS_USAGE);
    unlink(path);
}

static void passwords_from_a_descriptor(void)
{
    int ends[2];
    char conf[128];
    CU_ASSERT_EQUAL(pipe(ends), 0);
    CU_ASSERT_EQUAL(write(ends[1], "hush-hush\n", 10), 10);
    snprintf(conf, sizeof conf, "nodes = ( { password_fd = %d; } );", ends[0]);
    CU_ASSERT_EQUAL(load(conf), STATUS_OK);
    CU_ASSERT_EQUAL(configuration_passwords(&configuration, &err), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(configuration.nodes[0].password, "hush-hush");
    close(ends[0]);
    close(ends[1]);
    CU_ASSERT_EQUAL(load(conf), STATUS_OK);
    CU_ASSERT_EQUAL(configuration_passwords(&configuration, &err), STATUS_USAGE);
}

static void print_configuration(void *arg, FILE *out)
{
    configuration_print(&configuration, out);
}

static void print_man(void *arg, FILE *out)
{
    configuration_print_man(out);
}

static void what_is_printed_reads_back(void)
{
    CU_ASSERT_EQUAL(load("coordinator = \"lab-7\"; max_retries = 5;\nnodes = ( { name = \"a\"; host = "
                         "\"q\\\"\\\\\"; password = \"hush-hush\"; } );"),
                    STATUS_OK);
    char *text = golden_capture(print_configuration, NULL);
    CU_ASSERT_PTR_NULL(strstr(text, "hush-hush"));
    CU_ASSERT_EQUAL(load(text), STATUS_OK);
    CU_ASSERT_STRING_EQUAL(configuration.nodes[0].host, "q\"\\");
    char *again = golden_capture(print_configuration, NULL);
    CU_ASSERT_STRING_EQUAL(text, again);
    free(text);
    free(again);
}

static void shipped_files_agree_with_the_table(void)
{
    configuration_defaults(&configuration);
    char *text = golden_capture(print_configuration, NULL), *man = golden_capture(print_man, NULL);
    CU_ASSERT_TRUE(golden_is_file("conf/xatop.conf", text));
    CU_ASSERT_TRUE(golden_is_block("man/xatop.conf.5", man));
    CU_ASSERT_EQUAL(load(text), STATUS_OK);
    CU_ASSERT_TRUE(configuration.builtin_lab);
    char *docker = golden_read("conf/docker.conf");
    CU_ASSERT_EQUAL(load(docker), STATUS_OK);
    CU_ASSERT_EQUAL(configuration.node_count, 2);
    free(text);
    free(man);
    free(docker);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"without anything it is the lab", without_anything_it_is_the_lab},
        {"reads every kind of key", reads_every_kind_of_key},
        {"errors name line and nearest key", errors_name_line_and_nearest_key},
        {"numbers beyond 32 bits do not wrap", numbers_beyond_32_bits_do_not_wrap},
        {"keys that contradict each other", keys_that_contradict_each_other},
        {"a readable file may not hold a password", a_readable_file_may_not_hold_a_password},
        {"files that are not taken", files_that_are_not_taken},
        {"includes stay in the folder", includes_stay_in_the_folder},
        {"the environment overrides", the_environment_overrides},
        {"any node variable replaces the lab", any_node_variable_replaces_the_lab},
        {"passwords from files", passwords_from_files},
        {"passwords from a descriptor", passwords_from_a_descriptor},
        {"what is printed reads back", what_is_printed_reads_back},
        {"shipped files agree with the table", shipped_files_agree_with_the_table},
        {NULL, NULL},
    };
    if (!mkdtemp(folder))
        return 99;
    int code = test_main("config", cases);
    char path[96];
    static const char *const files[] = {"xatop.conf", "open.conf", "part.conf", "w.conf",
                                        "real.conf",  "link.conf", "loop.conf", "secret"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    return rmdir(folder) == 0 ? code : 99;
}

#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cunit_main.h"
#include "xatop/log.h"

static char folder[64] = "/tmp/xatop-test-log.XXXXXX";
static char content[1 << 17];
static struct err err;

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static const char *read_back(const char *name)
{
    int fd = open(path_of(name), O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, content, sizeof content - 1);
    content[n > 0 ? n : 0] = '\0';
    close(fd);
    return content;
}

static void begin(int64_t max_bytes, enum log_level level)
{
    unlink(path_of("xatop.log"));
    unlink(path_of("xatop.log.1"));
    CU_ASSERT_EQUAL(program_log_open(folder, level, max_bytes, &err), STATUS_OK);
}

static void only_the_owner_reads_it(void)
{
    struct stat st;
    begin(4096, LOG_LEVEL_INFO);
    program_log(LOG_LEVEL_INFO, "started with %d nodes", 2);
    program_log_close();
    CU_ASSERT_EQUAL(stat(path_of("xatop.log"), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    CU_ASSERT_PTR_NOT_NULL(strstr(read_back("xatop.log"), "Z info    ["));
    CU_ASSERT_PTR_NOT_NULL(strstr(content, "] started with 2 nodes\n"));
}

static void levels_filter_and_closed_is_silent(void)
{
    program_log(LOG_LEVEL_ERROR, "nowhere");
    begin(4096, LOG_LEVEL_WARNING);
    program_log(LOG_LEVEL_INFO, "not this");
    program_log(LOG_LEVEL_ERROR, "but this");
    program_log_close();
    program_log(LOG_LEVEL_ERROR, "nor this");
    CU_ASSERT_PTR_NULL(strstr(read_back("xatop.log"), "not this"));
    CU_ASSERT_PTR_NULL(strstr(content, "nor this"));
    CU_ASSERT_PTR_NULL(strstr(content, "nowhere"));
    CU_ASSERT_PTR_NOT_NULL(strstr(content, "but this"));
}

static void one_call_is_one_line(void)
{
    char huge[5000];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    begin(4096, LOG_LEVEL_INFO);
    program_log(LOG_LEVEL_INFO, "a\nb\x1b[31m");
    program_log(LOG_LEVEL_INFO, "%s", huge);
    program_log_close();
    CU_ASSERT_PTR_NOT_NULL(strstr(read_back("xatop.log"), "a b\\x1b[31m\n"));
    CU_ASSERT_TRUE(strlen(content) < 1300);
    CU_ASSERT_PTR_NULL(strchr(strchr(strchr(content, '\n') + 1, '\n') + 1, '\n'));
}

static void a_full_file_gives_way(void)
{
    begin(600, LOG_LEVEL_INFO);
    for (int i = 0; i < 40; i++)
        program_log(LOG_LEVEL_INFO, "line %d", i);
    program_log_close();
    CU_ASSERT_PTR_NOT_NULL(strstr(read_back("xatop.log"), "line 39\n"));
    CU_ASSERT_TRUE(strlen(content) < 700);
    CU_ASSERT_TRUE(strlen(read_back("xatop.log.1")) >= 600);
    CU_ASSERT_TRUE(strlen(content) < 700);
}

static void what_is_no_file_is_refused(void)
{
    program_log_close();
    unlink(path_of("xatop.log"));
    CU_ASSERT_EQUAL(symlink("/dev/null", path_of("xatop.log")), 0);
    CU_ASSERT_EQUAL(program_log_open(folder, LOG_LEVEL_INFO, 4096, &err), STATUS_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "symbolic link"));
    unlink(path_of("xatop.log"));
    CU_ASSERT_EQUAL(mkfifo(path_of("xatop.log"), 0600), 0);
    CU_ASSERT_EQUAL(program_log_open(folder, LOG_LEVEL_INFO, 4096, &err), STATUS_STATE);
    unlink(path_of("xatop.log"));
    CU_ASSERT_EQUAL(program_log_open("/nonexistent", LOG_LEVEL_INFO, 4096, &err), STATUS_STATE);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 200; i++)
        program_log(LOG_LEVEL_INFO, "thread %s says the same", (const char *)arg);
    return NULL;
}

static void threads_do_not_mix_lines(void)
{
    pthread_t threads[4];
    char name[] = "A";
    begin(1 << 20, LOG_LEVEL_INFO);
    for (int i = 0; i < 4; i++)
        CU_ASSERT_EQUAL(pthread_create(&threads[i], NULL, write_many, name), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    program_log_close();
    int whole = 0;
    read_back("xatop.log");
    for (char *p = content, *end; (end = strchr(p, '\n')); p = end + 1) {
        *end = '\0';
        const char *text = strstr(p, "] ");
        whole += text && strcmp(text, "] thread A says the same") == 0;
    }
    CU_ASSERT_EQUAL(whole, 800);
}

int main(void)
{
    static const struct test_case cases[] = {
        {"only the owner reads it", only_the_owner_reads_it},
        {"levels filter and closed is silent", levels_filter_and_closed_is_silent},
        {"one call is one line", one_call_is_one_line},
        {"a full file gives way", a_full_file_gives_way},
        {"what is no file is refused", what_is_no_file_is_refused},
        {"threads do not mix lines", threads_do_not_mix_lines},
        {NULL, NULL},
    };
    if (!mkdtemp(folder))
        return 99;
    int code = test_main("program log", cases);
    unlink(path_of("xatop.log"));
    unlink(path_of("xatop.log.1"));
    return rmdir(folder) == 0 ? code : 99;
}

/*
 * Runs a fuzz target over files and folders of inputs that are given as arguments, so that the
 * corpus is replayed by every compiler and sanitizer, without libFuzzer. Fails when there is no
 * input.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SIZE_MAX_INPUT (4u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    /* Of its exact size, so that a sanitizer sees a read behind it. */
    uint8_t *buffer = malloc(SIZE_MAX_INPUT);
    if (!file || !buffer) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(2);
    }
    const size_t size = fread(buffer, 1, SIZE_MAX_INPUT, file);
    fclose(file);
    uint8_t *data = realloc(buffer, size ? size : 1);
    if (!data) exit(2);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static int replay_folder(const char *path, DIR *folder)
{
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[4096];
        if (entry->d_name[0] == '.') continue;
        const int length = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        struct stat info;
        if (length < 0 || (size_t)length >= sizeof name || stat(name, &info) != 0) continue;
        if (S_ISREG(info.st_mode)) count += replay_file(name);
    }
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        count += folder ? replay_folder(argv[i], folder) : replay_file(argv[i]);
        if (folder) closedir(folder);
    }
    printf("%d inputs\n", count);
    return count == 0;
}

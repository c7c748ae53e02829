/* replay.c - runs a fuzz target over every file of the folders named, and over every beginning of the small ones. Each run has
 * its own copy of exactly as many bytes as it is told, so that the sanitizers see a look beyond.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

#define FILE_MAX      (1 << 20)
#define EVERY_CUT_MAX 1024 /* files up to this size run at every length */

static void run(const char *p, size_t n) {
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy) abort();
    if (n) memcpy(copy, p, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static bool run_file(const char *folder, const char *name) {
    BUF_AUTO path = {0};
    BUF_AUTO content = {0};
    buf_addf(&path, "%s/%s", folder, name);
    FILE *file = fopen(path.p, "rb");
    if (!file) return false;
    size_t n = fread(buf_reserve(&content, FILE_MAX), 1, FILE_MAX, file);
    fclose(file);
    buf_grew(&content, n);
    fprintf(stderr, "%s: %zu bytes\n", path.p, n); /* the last one named is the culprit */
    for (size_t cut = n <= EVERY_CUT_MAX ? 0 : n; cut <= n; cut++) run(content.p, cut);
    return true;
}

int main(int argc, char **argv) {
    int files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (!folder) continue;
        for (struct dirent *entry; (entry = readdir(folder));) {
            if (entry->d_name[0] != '.' && run_file(argv[i], entry->d_name)) files++;
        }
        closedir(folder);
    }
    printf("%d files\n", files);
    return files == 0; /* an empty corpus tests nothing */
}

/* cli/completion.c - the shell's completion, from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static void words_print(const struct cli_command *k) {
    printf("    %s) words=\"--url --token-file --json --help%s%s", k->name, k->words ? " " : "",
           k->words ? k->words : "");
    for (size_t i = 0; i < CLI_OPTIONS_MAX && k->options[i].name; i++)
        printf(" --%s", k->options[i].name);
    puts("\" ;;");
}

enum cli_exit cli_completion(struct cli *c) {
    if (c->args_n != 1 || strcmp(c->args[0], "bash") != 0)
        return cli_usage(c, "completion takes the shell's name: bash");
    puts("# bash completion of touchline: touchline completion bash > "
         "/usr/share/bash-completion/completions/touchline\n"
         "_touchline() {\n"
         "    local words command=\"\" i\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        [[ ${COMP_WORDS[i]} != -* ]] && { command=${COMP_WORDS[i]}; break; }\n"
         "    done\n"
         "    case $command in");
    for (const struct cli_command *k = cli_commands; k->name; k++)
        words_print(k);
    fputs("    *) words=\"", stdout);
    for (const struct cli_command *k = cli_commands; k->name; k++)
        printf("%s ", k->name);
    puts("--help --version\" ;;\n"
         "    esac\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -o default -F _touchline touchline");
    return CLI_OK;
}

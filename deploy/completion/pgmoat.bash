# bash completion for pgmoat(1)

# Prints the options and commands of a command; a test compares them with its --help.
_pgmoat_words() {
    case $1 in
    "") echo "check hba cert scram-secret http-user --config --version --help" ;;
    check) echo "--config --explain --probe --host --user --database --address --help" ;;
    hba) echo "test list --help" ;;
    "hba test")
        echo "--config --file --listener --address --user --database --replication --tls --cipher --group --sni" \
            "--client-cert --system-user --help"
        ;;
    "hba list") echo "--config --file --listener --json --help" ;;
    cert) echo "ca server client self-signed --help" ;;
    "cert ca") echo "--cert --key --days --overwrite --name --help" ;;
    "cert server") echo "--cert --key --days --overwrite --host --ca-cert --ca-key --help" ;;
    "cert client") echo "--cert --key --days --overwrite --user --ca-cert --ca-key --help" ;;
    "cert self-signed") echo "--cert --key --days --overwrite --host --help" ;;
    scram-secret) echo "--iterations --line --help" ;;
    http-user) echo "--help" ;;
    esac
}

_pgmoat() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        check | hba | cert | scram-secret | http-user) [[ -n $command ]] || command=${COMP_WORDS[i]} ;;
        test | list) [[ $command != hba ]] || command="hba ${COMP_WORDS[i]}" ;;
        ca | server | client | self-signed) [[ $command != cert ]] || command="cert ${COMP_WORDS[i]}" ;;
        esac
    done

    COMPREPLY=()
    case $before in
    --config | --file | --cert | --key | --ca-cert | --ca-key | --client-cert)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        ;;
    --tls) mapfile -t COMPREPLY < <(compgen -W "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3" -- "$word") ;;
    --replication) mapfile -t COMPREPLY < <(compgen -W "on off database" -- "$word") ;;
    --listener | --address | --user | --database | --cipher | --group | --sni | --system-user | --name | --host | --days | --iterations) ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$(_pgmoat_words "$command")" -- "$word") ;;
    esac
}

complete -F _pgmoat pgmoat

# Made by `make completions`; do not edit.
_gpt_trader() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path="" word options="" kind="" index=1
    local first="" ask="${COMP_WORDS[0]}"
    COMPREPLY=()
    while ((index < COMP_CWORD)); do
        word=${COMP_WORDS[index]}
        case " $(_gpt_trader_commands "$path") " in
            *" $word "*) path="${path:+$path }$word" ;;
            *) [[ -z $first && $word != -* ]] && first=$word ;;
        esac
        ((index++))
    done
    [[ $prev == "=" ]] && prev=${COMP_WORDS[COMP_CWORD-2]}
    kind=$(_gpt_trader_value "$path" "$prev")
    if [[ -z $kind ]]; then
        if [[ $cur == -* ]]; then
            options=$(_gpt_trader_options "$path")
            if [[ -n $first ]]; then
                case "$path" in "run"|"optimize"|"runs fork") options+=" $("$ask" __complete inputs "$first" 2>/dev/null)" ;; esac
            fi
            COMPREPLY=($(compgen -W "$options" -- "$cur"))
            return
        fi
        options=$(_gpt_trader_commands "$path")
        if [[ -n $options ]]; then
            COMPREPLY=($(compgen -W "$options" -- "$cur"))
            return
        fi
        [[ -n $first ]] && return
        kind=$(_gpt_trader_value "$path" "")
    fi
    case "$kind" in
        FORMAT) COMPREPLY=($(compgen -W "text json github sarif" -- "$cur")) ;;
        SHELL) COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur")) ;;
        MODE) COMPREPLY=($(compgen -W "backtest paper live" -- "$cur")) ;;
        FORM) COMPREPLY=($(compgen -W "html md json" -- "$cur")) ;;
        FILL) COMPREPLY=($(compgen -W "next_open same_close" -- "$cur")) ;;
        BASIS) COMPREPLY=($(compgen -W "average fifo" -- "$cur")) ;;
        END) COMPREPLY=($(compgen -W "no close open" -- "$cur")) ;;
        ADJUST) COMPREPLY=($(compgen -W "splits all none" -- "$cur")) ;;
        PROVIDER) COMPREPLY=($(compgen -W "sample csv parquet ccxt alpaca yfinance" -- "$cur")) ;;
        STATUS) COMPREPLY=($(compgen -W "running waiting succeeded failed cancelled skipped" -- "$cur")) ;;
        WORKFLOW) COMPREPLY=($(compgen -W "$("$ask" __complete workflows 2>/dev/null)" -- "$cur") $(compgen -f -- "$cur")) ;;
        RUN) COMPREPLY=($(compgen -W "$("$ask" __complete runs 2>/dev/null)" -- "$cur")) ;;
        SLICE) COMPREPLY=($(compgen -W "$("$ask" __complete slices 2>/dev/null)" -- "$cur")) ;;
        STRATEGY) COMPREPLY=($(compgen -W "$("$ask" __complete strategies 2>/dev/null)" -- "$cur")) ;;
        SETTING) COMPREPLY=($(compgen -W "$("$ask" __complete settings 2>/dev/null)" -- "$cur")) ;;
        DIR|FILE) COMPREPLY=($(compgen -f -- "$cur")) ;;
    esac
}

_gpt_trader_commands() {
    case "$1" in
        "") echo "init validate plan run backtest optimize status runs report workflows slices data strategies check events config doctor completions" ;;
        "runs") echo "list show logs watch resume retry rerun fork cancel pause approve prune" ;;
        "workflows") echo "list show schema" ;;
        "slices") echo "list show" ;;
        "data") echo "fetch list check" ;;
        "strategies") echo "list show new" ;;
        "check") echo "lookahead warmup" ;;
        "events") echo "tail publish replay dead" ;;
        "events dead") echo "list retry drop" ;;
        "config") echo "show check" ;;
    esac
}

_gpt_trader_options() {
    case "$1" in
        "") echo "--quiet --verbose --debug --set --help" ;;
        "init") echo "--dry-run --json --quiet --verbose --debug --set --help" ;;
        "validate") echo "--format --json --quiet --verbose --debug --set --help" ;;
        "plan") echo "--json --quiet --verbose --debug --set --help" ;;
        "run") echo "--mode --live --input --wait --no-wait --dry-run --json --quiet --verbose --debug --set --help" ;;
        "backtest") echo "--strategy --symbols --from --to --timeframe --data --data-option --adjust --param --cash --fee --slippage --spread --fill --volume-share --sizing --limits --leverage --cost-basis --close-at-end --benchmark --seed --out --json --quiet --verbose --debug --set --help" ;;
        "optimize") echo "--strategy --symbols --param --objective --constraint --input --dry-run --json --quiet --verbose --debug --set --help" ;;
        "status") echo "--count --json --quiet --verbose --debug --set --help" ;;
        "runs") echo "--quiet --verbose --debug --set --help" ;;
        "runs list") echo "--status --workflow --count --before --json --quiet --verbose --debug --set --help" ;;
        "runs show") echo "--json --quiet --verbose --debug --set --help" ;;
        "runs logs") echo "--json --quiet --verbose --debug --set --help" ;;
        "runs watch") echo "--json --quiet --verbose --debug --set --help" ;;
        "runs resume") echo "--wait --no-wait --dry-run --json --quiet --verbose --debug --set --help" ;;
        "runs retry") echo "--wait --no-wait --dry-run --json --quiet --verbose --debug --set --help" ;;
        "runs rerun") echo "--from --wait --no-wait --dry-run --json --quiet --verbose --debug --set --help" ;;
        "runs fork") echo "--workflow --input --from --wait --no-wait --dry-run --json --quiet --verbose --debug --set --help" ;;
        "runs cancel") echo "--dry-run --json --quiet --verbose --debug --set --help" ;;
        "runs pause") echo "--dry-run --json --quiet --verbose --debug --set --help" ;;
        "runs approve") echo "--step --reject --by --reason --resume --no-resume --dry-run --json --quiet --verbose --debug --set --help" ;;
        "runs prune") echo "--older-than --dry-run --json --quiet --verbose --debug --set --help" ;;
        "report") echo "--open --format --out --json --quiet --verbose --debug --set --help" ;;
        "workflows") echo "--quiet --verbose --debug --set --help" ;;
        "workflows list") echo "--json --quiet --verbose --debug --set --help" ;;
        "workflows show") echo "--json --quiet --verbose --debug --set --help" ;;
        "workflows schema") echo "--quiet --verbose --debug --set --help" ;;
        "slices") echo "--quiet --verbose --debug --set --help" ;;
        "slices list") echo "--json --quiet --verbose --debug --set --help" ;;
        "slices show") echo "--json --quiet --verbose --debug --set --help" ;;
        "data") echo "--quiet --verbose --debug --set --help" ;;
        "data fetch") echo "--provider --timeframe --from --to --calendar --option --again --fill-gaps --dry-run --json --quiet --verbose --debug --set --help" ;;
        "data list") echo "--provider --json --quiet --verbose --debug --set --help" ;;
        "data check") echo "--provider --timeframe --from --to --calendar --option --json --quiet --verbose --debug --set --help" ;;
        "strategies") echo "--quiet --verbose --debug --set --help" ;;
        "strategies list") echo "--json --quiet --verbose --debug --set --help" ;;
        "strategies show") echo "--json --quiet --verbose --debug --set --help" ;;
        "strategies new") echo "--dir --dry-run --json --quiet --verbose --debug --set --help" ;;
        "check") echo "--quiet --verbose --debug --set --help" ;;
        "check lookahead") echo "--strategy --symbols --from --to --timeframe --data --data-option --adjust --param --most --seed --json --quiet --verbose --debug --set --help" ;;
        "check warmup") echo "--strategy --symbols --from --to --timeframe --data --data-option --adjust --param --seed --json --quiet --verbose --debug --set --help" ;;
        "events") echo "--quiet --verbose --debug --set --help" ;;
        "events tail") echo "--count --follow --json --quiet --verbose --debug --set --help" ;;
        "events publish") echo "--key --dry-run --json --quiet --verbose --debug --set --help" ;;
        "events replay") echo "--to --handler --dry-run --json --quiet --verbose --debug --set --help" ;;
        "events dead") echo "--quiet --verbose --debug --set --help" ;;
        "events dead list") echo "--to --count --json --quiet --verbose --debug --set --help" ;;
        "events dead retry") echo "--to --all --dry-run --json --quiet --verbose --debug --set --help" ;;
        "events dead drop") echo "--to --all --dry-run --json --quiet --verbose --debug --set --help" ;;
        "config") echo "--quiet --verbose --debug --set --help" ;;
        "config show") echo "--origin --json --quiet --verbose --debug --set --help" ;;
        "config check") echo "--json --quiet --verbose --debug --set --help" ;;
        "doctor") echo "--json --quiet --verbose --debug --set --help" ;;
        "completions") echo "--quiet --verbose --debug --set --help" ;;
    esac
}

_gpt_trader_value() {
    case "$1:$2" in
        ":--set") echo SETTING ;;
        "init:") echo DIR ;;
        "init:--set") echo SETTING ;;
        "validate:") echo WORKFLOW ;;
        "validate:--format") echo FORMAT ;;
        "validate:--set") echo SETTING ;;
        "plan:") echo WORKFLOW ;;
        "plan:--set") echo SETTING ;;
        "run:") echo WORKFLOW ;;
        "run:--mode") echo MODE ;;
        "run:--input") echo NAME ;;
        "run:--set") echo SETTING ;;
        "backtest:--strategy") echo STRATEGY ;;
        "backtest:--symbols") echo SYMBOL ;;
        "backtest:--from") echo DAY ;;
        "backtest:--to") echo DAY ;;
        "backtest:--timeframe") echo LENGTH ;;
        "backtest:--data") echo DATA ;;
        "backtest:--data-option") echo NAME ;;
        "backtest:--adjust") echo ADJUST ;;
        "backtest:--param") echo NAME ;;
        "backtest:--cash") echo MONEY ;;
        "backtest:--fee") echo FEE ;;
        "backtest:--slippage") echo PART ;;
        "backtest:--spread") echo PART ;;
        "backtest:--fill") echo FILL ;;
        "backtest:--volume-share") echo PART ;;
        "backtest:--sizing") echo SIZING ;;
        "backtest:--limits") echo LIMITS ;;
        "backtest:--leverage") echo TIMES ;;
        "backtest:--cost-basis") echo BASIS ;;
        "backtest:--close-at-end") echo END ;;
        "backtest:--benchmark") echo SYMBOL ;;
        "backtest:--seed") echo SEED ;;
        "backtest:--out") echo DIR ;;
        "backtest:--set") echo SETTING ;;
        "optimize:--strategy") echo STRATEGY ;;
        "optimize:--symbols") echo SYMBOL ;;
        "optimize:--param") echo NAME ;;
        "optimize:--objective") echo FIGURE ;;
        "optimize:--constraint") echo CONDITION ;;
        "optimize:--input") echo NAME ;;
        "optimize:--set") echo SETTING ;;
        "status:--count"|"status:-n") echo N ;;
        "status:--set") echo SETTING ;;
        "runs:--set") echo SETTING ;;
        "runs list:--status") echo STATUS ;;
        "runs list:--workflow") echo NAME ;;
        "runs list:--count"|"runs list:-n") echo N ;;
        "runs list:--before") echo RUN ;;
        "runs list:--set") echo SETTING ;;
        "runs show:") echo RUN ;;
        "runs show:--set") echo SETTING ;;
        "runs logs:") echo RUN ;;
        "runs logs:--set") echo SETTING ;;
        "runs watch:") echo RUN ;;
        "runs watch:--set") echo SETTING ;;
        "runs resume:") echo RUN ;;
        "runs resume:--set") echo SETTING ;;
        "runs retry:") echo RUN ;;
        "runs retry:--set") echo SETTING ;;
        "runs rerun:") echo RUN ;;
        "runs rerun:--from") echo STEP ;;
        "runs rerun:--set") echo SETTING ;;
        "runs fork:") echo RUN ;;
        "runs fork:--workflow") echo WORKFLOW ;;
        "runs fork:--input") echo NAME ;;
        "runs fork:--from") echo STEP ;;
        "runs fork:--set") echo SETTING ;;
        "runs cancel:") echo RUN ;;
        "runs cancel:--set") echo SETTING ;;
        "runs pause:") echo RUN ;;
        "runs pause:--set") echo SETTING ;;
        "runs approve:") echo RUN ;;
        "runs approve:--step") echo STEP ;;
        "runs approve:--by") echo NAME ;;
        "runs approve:--reason") echo TEXT ;;
        "runs approve:--set") echo SETTING ;;
        "runs prune:--older-than") echo AGE ;;
        "runs prune:--set") echo SETTING ;;
        "report:") echo RUN ;;
        "report:--format") echo FORM ;;
        "report:--out") echo FILE ;;
        "report:--set") echo SETTING ;;
        "workflows:--set") echo SETTING ;;
        "workflows list:--set") echo SETTING ;;
        "workflows show:") echo WORKFLOW ;;
        "workflows show:--set") echo SETTING ;;
        "workflows schema:--set") echo SETTING ;;
        "slices:--set") echo SETTING ;;
        "slices list:--set") echo SETTING ;;
        "slices show:") echo SLICE ;;
        "slices show:--set") echo SETTING ;;
        "data:--set") echo SETTING ;;
        "data fetch:") echo SYMBOL ;;
        "data fetch:--provider") echo PROVIDER ;;
        "data fetch:--timeframe") echo LENGTH ;;
        "data fetch:--from") echo DAY ;;
        "data fetch:--to") echo DAY ;;
        "data fetch:--calendar") echo CALENDAR ;;
        "data fetch:--option") echo NAME ;;
        "data fetch:--set") echo SETTING ;;
        "data list:") echo SYMBOL ;;
        "data list:--provider") echo PROVIDER ;;
        "data list:--set") echo SETTING ;;
        "data check:") echo SYMBOL ;;
        "data check:--provider") echo PROVIDER ;;
        "data check:--timeframe") echo LENGTH ;;
        "data check:--from") echo DAY ;;
        "data check:--to") echo DAY ;;
        "data check:--calendar") echo CALENDAR ;;
        "data check:--option") echo NAME ;;
        "data check:--set") echo SETTING ;;
        "strategies:--set") echo SETTING ;;
        "strategies list:--set") echo SETTING ;;
        "strategies show:") echo STRATEGY ;;
        "strategies show:--set") echo SETTING ;;
        "strategies new:") echo NAME ;;
        "strategies new:--dir") echo DIR ;;
        "strategies new:--set") echo SETTING ;;
        "check:--set") echo SETTING ;;
        "check lookahead:--strategy") echo STRATEGY ;;
        "check lookahead:--symbols") echo SYMBOL ;;
        "check lookahead:--from") echo DAY ;;
        "check lookahead:--to") echo DAY ;;
        "check lookahead:--timeframe") echo LENGTH ;;
        "check lookahead:--data") echo DATA ;;
        "check lookahead:--data-option") echo NAME ;;
        "check lookahead:--adjust") echo ADJUST ;;
        "check lookahead:--param") echo NAME ;;
        "check lookahead:--most") echo COUNT ;;
        "check lookahead:--seed") echo SEED ;;
        "check lookahead:--set") echo SETTING ;;
        "check warmup:--strategy") echo STRATEGY ;;
        "check warmup:--symbols") echo SYMBOL ;;
        "check warmup:--from") echo DAY ;;
        "check warmup:--to") echo DAY ;;
        "check warmup:--timeframe") echo LENGTH ;;
        "check warmup:--data") echo DATA ;;
        "check warmup:--data-option") echo NAME ;;
        "check warmup:--adjust") echo ADJUST ;;
        "check warmup:--param") echo NAME ;;
        "check warmup:--seed") echo SEED ;;
        "check warmup:--set") echo SETTING ;;
        "events:--set") echo SETTING ;;
        "events tail:") echo PATTERN ;;
        "events tail:--count"|"events tail:-n") echo N ;;
        "events tail:--set") echo SETTING ;;
        "events publish:") echo TOPIC ;;
        "events publish:--key") echo TEXT ;;
        "events publish:--set") echo SETTING ;;
        "events replay:") echo SEQ ;;
        "events replay:--to") echo NAME ;;
        "events replay:--handler") echo MODULE:FUNCTION ;;
        "events replay:--set") echo SETTING ;;
        "events dead:--set") echo SETTING ;;
        "events dead list:--to") echo NAME ;;
        "events dead list:--count"|"events dead list:-n") echo N ;;
        "events dead list:--set") echo SETTING ;;
        "events dead retry:") echo SEQ ;;
        "events dead retry:--to") echo NAME ;;
        "events dead retry:--set") echo SETTING ;;
        "events dead drop:") echo SEQ ;;
        "events dead drop:--to") echo NAME ;;
        "events dead drop:--set") echo SETTING ;;
        "config:--set") echo SETTING ;;
        "config show:--set") echo SETTING ;;
        "config check:--set") echo SETTING ;;
        "doctor:--set") echo SETTING ;;
        "completions:") echo SHELL ;;
        "completions:--set") echo SETTING ;;
    esac
}

complete -F _gpt_trader gpt-trader

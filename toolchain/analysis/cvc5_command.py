"""cvc5 as a command, which its Python package does not bring: options, then a file in SMT-LIB."""

import sys

import cvc5


def main(*arguments: str) -> None:
    *options, path = arguments
    solver = cvc5.Solver(cvc5.TermManager())
    for option in options:
        name, _, value = option.removeprefix("--").partition("=")
        solver.setOption(name, value or "true")
    parser = cvc5.InputParser(solver)
    parser.setFileInput(cvc5.InputLanguage.SMT_LIB_2_6, path)
    symbols = parser.getSymbolManager()
    while not (command := parser.nextCommand()).isNull():
        print(command.invoke(solver, symbols), end="", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

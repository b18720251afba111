#!/bin/bash
# End to end on two real servers, mariadb and mariadb.
. "${srcdir:-.}/tests/lib/e2e/lab.sh"
e2e_main mariadb mariadb business crash faults fence keys audit damage

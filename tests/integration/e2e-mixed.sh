#!/bin/bash
# End to end on two real servers, mysql and mariadb.
. "${srcdir:-.}/tests/lib/e2e/lab.sh"
e2e_main mysql mariadb business crash faults fence keys audit

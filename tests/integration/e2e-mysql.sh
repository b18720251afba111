#!/bin/bash
# End to end on two real servers, mysql and mysql.
. "${srcdir:-.}/tests/lib/e2e/lab.sh"
e2e_main mysql mysql business crash faults fence keys audit

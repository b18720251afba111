# The schema as C: each file becomes `const char NAME[]`, comments and empty lines left out. One text for the program, the
# servers of docker/ and anyone who reads it.
FNR == 1 {
    if (NR > 1)
        print "    ;"
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/\.sql$/, "", name)
    gsub(/[^a-z0-9]/, "_", name)
    print "extern const char node_" name "[];"
    print "const char node_" name "[] ="
}
/^ *--/ || /^ *$/ { next }
{
    gsub(/\\/, "\\\\")
    gsub(/"/, "\\\"")
    print "    \"" $0 "\\n\""
}
END { print "    ;" }

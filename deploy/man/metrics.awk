# Makes pgmoat-metrics.7.scd from the table in metrics/README.md, which a test holds against the program.
BEGIN {
    print "pgmoat-metrics(7) \"pgmoat " version "\"\n\n# NAME\n\npgmoat-metrics - metrics that pgmoat exports"
    print "\n# DESCRIPTION\n\nWith *http_listen* set, *pgmoat*(1) serves these metrics at /metrics in Prometheus' text format."
    print "\n# METRICS\n"
}

/^\| `(pgmoat|process)_/ {
    split($0, cell, / *\| */)
    gsub(/`/, "", cell[2]); gsub(/`/, "", cell[4]); gsub(/`/, "", cell[5])
    labels = cell[4] == "" ? "" : "; labels: " cell[4]
    gsub(/[*#\\]/, "\\\\&", cell[5])
    printf "*%s* (%s%s)\n\t%s\n\n", cell[2], cell[3], labels, cell[5]
}

END { print "# SEE ALSO\n\n*pgmoat*(1), *pgmoat.conf*(5)" }

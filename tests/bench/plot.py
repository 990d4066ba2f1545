# SPDX-License-Identifier: MIT
"""The plot of the nginx suite, by gnuplot."""
import statistics
import subprocess

WAYS = ("floor", "null", "default", "static/")


def plot_shares(report, figures, connections):
    """Medians with the lowest and the highest, one worker beside two."""
    data = report.path("dat")
    with open(data, "w") as file:
        for workers in (1, 2):
            for way in WAYS:
                file.write(f'"{way}"\n')
                for c in connections:
                    r = figures.ratios(
                        (workers, True, c, way, "rate"),
                        (workers, True, c, "static file", "rate"))
                    file.write(f"{c} {statistics.median(r)} {min(r)} "
                               f"{max(r)}\n")
                file.write("\n\n")
    panels = "".join(f"""
        set title "nginx with {workers} worker{'s' * (workers - 1)}"
        plot for [i=0:{len(WAYS) - 1}] "{data}" \\
            index {(workers - 1) * len(WAYS)}+i \\
            using 2:3:4:xtic(1) title columnheader(1)
        """ for workers in (1, 2))
    subprocess.run(["gnuplot"], text=True, check=True, input=f"""
        set terminal svg size 900,380 font "sans-serif,12" background "white"
        set output "{report.path("svg")}"
        set style data histogram
        set style histogram errorbars gap 1 linewidth 1
        set style fill solid 0.6
        set bars 0.5
        set yrange [0:1.7]
        set grid ytics
        set xlabel "clients at a time"
        set ylabel "requests/s, share of the static file"
        set key top right horizontal
        set multiplot layout 1,2
        {panels}
        """)

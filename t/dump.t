# SPDX-License-Identifier: BSD-2-Clause
#
# -T: every file of the configuration on stdout, byte for byte, once, in the
# order in which they were first included.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

# Logs of a packaged nginx are where only root may write.
plan skip_all => 'needs root with this binary' if is_oracle() && $>;

my $t = Weir::Test->new;
my $dir = $t->dir;
my %files = (
    'nginx.conf' => $t->expand("# first\nerror_log error.log;\n"
        . "pid server.pid;\nevents {}\n"
        . "http {\n    include conf.d/*.conf;\n    include b.inc;\n}\n"),
    'conf.d/2.conf' => "# two, no newline at the end",
    'conf.d/1.conf' => "server { listen 127.0.0.1:" . $t->port . ";\n"
        . "    include b.inc;\t# odd   blanks\r\n}\n",
    'b.inc' => "\n\nerror_page 404 /x;   \n",
);
$t->write($_, $files{$_}) for keys %files;

my @args = ('-p', $dir, '-e', 'error.log', '-c', 'nginx.conf');
my ($code, $out, $err) = run_binary(@args, '-T');
is $code, 0, 'exit code';
is $err, "nginx: the configuration file $dir/nginx.conf syntax is ok\n"
    . "nginx: configuration file $dir/nginx.conf test is successful\n",
    'the lines of -t are on stderr';
is $out, join('', map { "# configuration file $dir/$_:\n$files{$_}\n" }
                  'nginx.conf', 'conf.d/1.conf', 'b.inc', 'conf.d/2.conf'),
    'the files';

is_deeply [run_binary(@args, '-T', '-q')], [0, $out, ''], '-T -q';

$t->write('b.inc', "bogus;\n");
($code, $out, $err) = run_binary(@args, '-T');
is $code, 1, 'a bad file: exit code';
is $out, '', 'a bad file: no dump';
my $bad = "$dir/b.inc:1\n";
like $err, qr/\Anginx: \[emerg\] unknown directive "bogus" in \Q$bad\E/,
    'a bad file: message';

done_testing;

# SPDX-License-Identifier: BSD-2-Clause
#
# What commands print for people: explain's lines on files that may not be
# read, constants, values of the environment and the default log; the help of
# each command; searches and examples of doc.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

if (is_oracle()) {
    plan(skip_all => 'commands of weir');
}

my $t = Weir::Test->new;
my $dir = $t->dir;
$t->write('home/shut/x', 'x');
$t->write('home/open/x', 'x', mode => 0600);
$t->write('home/open/y', 'y');
chmod 0755, "$dir/home", "$dir/home/open";
chmod 0700, "$dir/home/shut";

my $conf = $t->conf(<<'EOC');
%%GLOBALS%%
events { }
http {
    client_body_temp_path %%TESTDIR%%/b; proxy_temp_path %%TESTDIR%%/p;
    upstream u { server 127.0.0.1:1; }
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/home;
        location / { }
        location /sets {
            set $a 1;
            set $b 2;
            set $c 3;
            set $d $a$b;
            return 200 $d;
        }
        location /secret {
            set $key ${env:EXPLAIN_KEY};
            proxy_set_header X-Key $key;
            add_header X-Key ${env:EXPLAIN_KEY};
            proxy_pass http://u;
        }
    }
}
EOC


# explained($uri, @args): what is printed for it.
sub explained {
    my ($uri, @args) = @_;
    local $ENV{EXPLAIN_KEY} = 's3cret-value';
    my ($code, $out, $err) = run_binary('explain',
        'GET http://127.0.0.1:' . $t->port . $uri, '-c', $conf,
        '-p', "$dir/", @args);

    is $code, 0, "explain $uri" or diag $err;
    return $out;
}

SKIP: {
    skip 'root has other workers', 3 if $> != 0;
    my ($user) = Weir::Test::worker_user();

    # the test's own folder may be entered by all, or else it is named
    chmod 0755, $dir;
    like explained('/shut/x'),
        qr/not readable \Q$dir\E\/home\/shut\/x \(user $user may not enter \Q$dir\E\/home\/shut \(0700\)/,
        'a folder that may not be entered';
    like explained('/open/x'),
        qr/not readable .*\(user $user may not read \Q$dir\E\/home\/open\/x \(0600\)/,
        'a file that may not be read';
    like explained('/open/none'), qr/not there \Q$dir\E\/home\/open\/none \(/,
        'a file that is not there';
}

my $out = explained('/sets');
like $out, qr/ran set \$a 1;.*\n +ran 2 more that set a constant\n.*ran set \$d/,
    'constants are counted';
$out = explained('/sets', '--full');
like $out, qr/ran set \$b 2;.*\n.*ran set \$c 3;/, 'unless with --full';
like $out, qr/log +writes access_log \S+access\.log combined; \(the default\)/,
    'the default log has a name';

$out = explained('/secret');
unlike $out, qr/s3cret/, 'a value of the environment is not shown';
like $out, qr/> X-Key: \$\{env:EXPLAIN_KEY\}/, 'but where it stands';
like $out, qr/set \$key \$\{env:EXPLAIN_KEY\};/, 'the setting as it is written';
like $out, qr/< X-Key: \$\{env:EXPLAIN_KEY\}/, 'the response, too';
{
    local $ENV{EXPLAIN_KEY} = 's3cret-value';
    my ($code, $doc) = run_binary('doc', 'set', '-c', $conf, '-p', "$dir/");
    is $code, 0, 'doc -c';
    unlike $doc, qr/s3cret/, 'doc -c shows no value';
    like $doc, qr/set \$key \$\{env:EXPLAIN_KEY\};/, '... but its name';
    ($code, $doc) = run_binary('doc', 'set', '-c', $conf, '-p', "$dir/",
        '--json');
    unlike $doc, qr/s3cret/, 'nor with --json';
}

# ---- help and versions ----

for my $command (qw(explain doc)) {
    my ($code, $text, $err) = run_binary($command, '--help');

    is "$code$err", '0', "$command --help";
    like $text, qr/\AUsage: weir $command .*\n\n[A-Z].*\.\n\n  \S/,
        "$command --help: usage and options";
    ($code, $text) = run_binary($command, '--version');
    is $code, 0, "$command --version";
    like $text, qr/\Aweir \d+\.\d+\.\d+\n\z/, "$command --version: text";
}
my ($code, undef, $err) = run_binary('--version');
is $code, 0, '--version';
like $err, qr/\Anginx version: nginx\/\S+ \(weir /, '--version: as -v';
($code, undef, $err) = run_binary('--help');
is $code, 0, '--help';
like $err, qr/^Usage: .*^  explain /ms, '--help: as -h';

# ---- doc ----

($code, $out) = run_binary('doc', 'proxy_');
is $code, 0, 'doc proxy_';
like $out, qr/^proxy_pass +\S.*\n/m, 'doc proxy_: directives';
unlike $out, qr/^(?!\$?proxy_)/m, 'doc proxy_: nothing else';
is scalar(grep { length > 78 } split /\n/, $out), 0, 'doc proxy_: lines fit';
($code, $out) = run_binary('doc', '-k', 'Symbolic');
is $code, 0, 'doc -k';
like $out, qr/^disable_symlinks /m, 'doc -k: by its sentences, in any case';
($code, $out, $err) = run_binary('doc', '-k', 'nosuchword');
is $code, 1, 'doc -k: nothing';
like $err, qr/nothing is found for "nosuchword"/, 'doc -k: nothing, and says so';

my $n = 0;
for my $name (qw(access_log add_header alias allow auth_basic
    client_max_body_size error_log error_page expires geo gzip if include
    index keepalive keepalive_timeout limit_rate listen location log_format map
    proxy_pass proxy_read_timeout proxy_set_header real_ip_header resolver
    return rewrite root server server_name set try_files upstream user
    worker_connections worker_processes)) {
    my (undef, $text) = run_binary('doc', $name);
    my ($example) = $text =~ /^Example:\n((?: {4}.*\n)+)/m;
    my ($context) = $text =~ /^Context: +(.*)/m;

    $example =~ s/\bhtpasswd\b|\/var\/log\/nginx\//$dir\/x/g;
    $example =~ s{listen 80}{listen 127.0.0.1:8080}g;
    $example =~ s{\[::\]:80}{127.0.0.2:8080};
    my %around = (main => ['', ''], events => ['events {', '}'],
        http => ['http {', '}'], server => ['http { server {', '} }'],
        location => ['http { server { location / {', '} } }'],
        upstream => ['http { upstream x {', '} }']);
    my ($kind) = grep { $context =~ /\b$_\b/ } qw(server http main events
        location upstream);
    $kind //= 'http';
    $kind = 'http' if $example =~ /^ +(?:upstream|server) \w* ?\{/m
        || $name =~ /^(?:map|geo|server)$/;
    $kind = 'events' if $name eq 'worker_connections';
    $t->write('example.conf', "pid $dir/pid;\n$around{$kind}[0]\n$example"
        . "$around{$kind}[1]\n"
        . ($kind eq 'events' ? '' : 'events { }'));
    my ($rc, undef, $why) = run_binary('-t', '--no-lint', '-p', "$dir/", '-c',
        'example.conf', '-e', 'e.log');
    like $why, qr/syntax is ok/, "the example of $name" or diag $why;
}

done_testing;

# SPDX-License-Identifier: BSD-2-Clause
#
# ban: who is banned, for what, and what it is answered; `weir ban`; bans that
# outlive reloads, other binaries and restarts; files that are none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use Weir::Test;

plan skip_all => 'an nginx has none' if is_oracle();
need_module('http_realip');

my $t = Weir::Test->new;
$t->write('html/plain.txt', "plain\n");
my $text = <<'EOC';
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    ban_state_path FOLDER;
    ban_zone $arg_k zone=words:1m;
    ban_zone $binary_remote_addr zone=addrs:1m;
    ban_zone $remote_prefix zone=nets:SIZE;
    ban_zone $arg_k zone=small:32k;
    ban_zone $arg_k "zone=../odd name:1m";
    server {
        listen 127.0.0.1:%%PORT%%;
        root %%TESTDIR%%/html;
        set_real_ip_from 127.0.0.1;
        location / { ban zone=words on=404 rate=3r/m; try_files $uri =404; }
        location /plain.txt { ban zone=words on=404 rate=3r/m for=1h status=444; }
        location /dry { ban zone=words on=404 rate=2r/m dry_run; try_files /x =404; }
        location /page { ban zone=words on=404 rate=1r/m status=429; error_page 404 /plain.txt; try_files /x =404; }
        location /other { ban zone=words on=404 rate=1r/m status=429; error_page 429 /plain.txt; try_files /plain.txt =404; }
        location /403 { ban zone=words on=403 rate=2r/m; deny all; }
        location /several { ban zone=words on=401,403,404 rate=2r/m; ban zone=addrs on=410 rate=1r/m; try_files /x =404; }
        location /free { try_files /plain.txt =404; }
        location /return { ban zone=words on=404 rate=1r/m; return 404; }
        location /addr { ban zone=addrs on=404 rate=1r/m; try_files /x =404; }
        location /net { ban zone=nets on=404 rate=1r/m for=1d; try_files /x =404; }
        location /small { ban zone=small on=404 rate=1r/m; try_files /x =404; }
        location /odd { ban "zone=../odd name" on=404 rate=1r/m; try_files /x =404; }
    }
}
EOC

sub conf_of {
    my (%with) = @_;
    my $out = $text;

    $out =~ s/FOLDER/$t->path('bans')/e;
    $out =~ s/SIZE/$with{size} \/\/ '1m'/e;
    return $out;
}

$t->run(conf_of());

# Once the connection is closed, the worker has counted the request, too.
sub status_of {
    my ($uri, @opt) = @_;
    my $c = $t->connect;
    my $r = $c->request('GET', $uri, close => 1, @opt);

    $c->closed;
    return $r->status;
}
sub statuses { return join ' ', map { status_of($_) } @_ }
sub from { my ($uri, @from) = @_;
    return join ' ', map { status_of($uri, headers => ['X-Real-IP' => $_]) } @from }
sub lines { my ($re) = @_; return grep { $_ =~ $re } $t->log }

sub weir { return run_binary('ban', @_, '-c', $t->path('nginx.conf')) }

# What ls prints, without times.
sub listed {
    my ($code, $out, $err) = weir('ls', map { ('--zone' => $_) } @_);

    return "code $code: $err" if $code;
    return join ', ', sort map { join ' ', (split /\t/)[0, 1] } split /\n/, $out;
}

# ---- bans

is statuses(('/x?k=a') x 5, '/plain.txt?k=b', '/x?k=b'), '404 404 404 404 403 200 404',
    'four of three are too many';
my $c = $t->connect;
$c->send("GET /plain.txt?k=a HTTP/1.1\r\nHost: a\r\n\r\n");
is $c->read_all // '', '', '... wherever the zone is used, with another status';
is statuses('/free?k=a', '/x', '/x', '/x', '/x', '/x'), '200 404 404 404 404 404',
    'not elsewhere, and not without a key';
my ($line) = lines(qr/banned for/);
like $line, qr{^\S+ \S+ \[error\] \d+\#\d+: \*\d+ banned for 600 seconds by zone "words", status: 404, key: "a", client: 127\.0\.0\.1, server: , request: "GET /x\?k=a HTTP/1\.1", host: "[^"]*"$},
    'the line of the log';
is scalar(lines(qr/\[info\] .* refused, banned by zone "words"/)), 2, 'refusals are info';

is statuses(('/dry?k=d') x 6), '404 404 404 404 404 404', 'a dry run';
is scalar(lines(qr/\[error\] .* banned, dry run, for 600 seconds by zone "words", status: 404, key: "d",/)), 2,
    'only says so, and begins anew';
is statuses(('/page?k=e') x 2, '/other?k=e', '/x?k=e'), '404 404 429 403',
    'the answers of error pages';
is statuses(('/403?k=f') x 3), '403 403 403', 'answers 403';
is scalar(lines(qr/banned for .*key: "f"/)), 1, '... of which those for bans do not count';
is statuses('/several?k=g', '/403?k=g', '/x?k=g', '/x?k=g'), '404 403 404 404',
    'several statuses, different rules for a zone';
is statuses(('/return?k=h') x 3, '/x?k=h'), '404 404 404 403',
    'return is counted, but not refused';
is from('/addr', ('192.0.2.1') x 3, '192.0.2.2', '2001:db8::1', '2001:db8::1', '2001:db8::1'),
    '404 404 403 404 404 404 403', 'addresses';
is from('/net', ('192.0.2.1') x 3, '192.0.2.2', '2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1'),
    '404 404 403 404 404 404 403 404', 'networks';
like((lines(qr/banned for.*zone "nets"/))[1] // '', qr/banned for 86400 seconds by zone "nets", status: 404, key: "2001:db8::\/64", client: 2001:db8::2,/,
    '... in the log');

# ---- weir ban

is listed('addrs'), 'addrs 192.0.2.1, addrs 2001:db8::1', 'ls: addresses';
is listed('nets'), 'nets 192.0.2.1/32, nets 2001:db8::/64', 'ls: networks';
is listed(), 'addrs 192.0.2.1, addrs 2001:db8::1, nets 192.0.2.1/32, nets 2001:db8::/64, words a, words e, words f, words g, words h',
    'ls: all';
my (undef, $out) = weir('ls', '--zone', 'nets');
like $out, qr/^nets\t192\.0\.2\.1\/32\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\t86[34]\d\d$/m, 'a line of ls';
(undef, $out) = weir('ls', '--json', '--zone', 'words');
my ($json) = grep { $_->{key} eq 'a' } @{ decode_json($out)->{bans} };
ok $json->{left} > 500 && $json->{left} <= 600 && abs($json->{until} - time - $json->{left}) < 3,
    'the same as JSON';

sub outcome { my ($code, $said, $err) = weir(@_); return $code . $said . ($err =~ s/\e\[[0-9;]*m//gr) }
is outcome('add', '198.51.100.7', '--zone', 'addrs'), '0', 'add';
is from('/addr', '198.51.100.7', '198.51.100.8'), '403 404', '... bans at once';
is outcome('add', '198.51.100.0/24', '--zone', 'nets', '--for', '2h'), '0', 'add a network';
is from('/net', '198.51.100.7'), '404', '... which is not that of an address';
is outcome('rm', '198.51.100.7', '--zone', 'addrs'), '0', 'rm';
is from('/addr', '198.51.100.7', '198.51.100.8'), '404 404', '... ends it';
like outcome('rm', '198.51.100.7', '--zone', 'addrs'), qr/^1.*it is not banned: "198\.51\.100\.7"$/, 'rm without a ban';
is outcome('add', 'with\x20space\x0a', '--zone', 'words'), '0', 'other bytes';
is statuses('/x?k=with\x20space'), '404', '... are another key';
like listed('words'), qr/(?:^|, )words with\\x20space\\x0a(?:,|$)/, '... listed the same way';
my $long = 'y' x 40;
is outcome('add', $long, '--zone', 'words') . statuses("/x?k=$long"), '0403', 'a long key';
my ($digest) = listed('words') =~ /(sha256:[0-9a-f]{62})/;
is outcome('rm', $digest, '--zone', 'words') . statuses("/x?k=$long"), '0404', '... is listed as a digest';

my @bad = (
    [] => qr/requires ls, add or rm/,
    ['list'] => qr/requires ls, add or rm, not: "list"/,
    ['add'] => qr/a key is missing after: "add"/,
    ['ls', 'x'] => qr/invalid option: "x"/,
    ['ls', '--for', '5m'] => qr/invalid option: "--for"/,
    ['add', 'x', '--for', '0'] => qr/invalid time: "0"/,
    ['add', 'x', '--for', '99y', '--zone', 'words'] => qr/invalid time/,
    ['add', 'x'] => qr/there are several zones: name one/,
    ['rm', 'x', '--zone', 'none'] => qr/there is no ban_zone of that name/,
    ['ls', '--zone', 'none'] => qr/there is no ban_zone of that name/,
    ['add', 'x', '--zone', 'addrs'] => qr/invalid address/,
    ['add', '192.0.2.0/24', '--zone', 'addrs'] => qr/invalid address/,
    ['add', '192.0.2.0/33', '--zone', 'nets'] => qr/invalid address/,
    ['add', '\xg1', '--zone', 'words'] => qr/invalid key/,
    ['add', '', '--zone', 'words'] => qr/invalid key/,
);
while (my ($args, $wanted) = splice @bad, 0, 2) {
    like outcome(@$args), qr/^1.*$wanted/s, "ban @$args";
}
like((run_binary('ban', '--help'))[1], qr/^Usage: weir ban ls \| add KEY \| rm KEY /, 'its help');

# ---- what bans outlive

my $all = listed();
ok $t->reload(conf_of()), 'a reload';
is listed(), $all, 'keeps bans';
ok $t->reload(conf_of(size => '2m')), 'another size';
is listed(), $all, '... too';
is outcome('rm', '198.51.100.0/24', '--zone', 'nets'), '0', '... which can be removed';
$all =~ s/nets 198\.51\.100\.0\/24, //;
is listed(), $all, '... from there';
is statuses('/odd?k=a', '/odd?k=a', '/odd?k=a'), '404 404 403', 'a zone with an odd name';
$all = listed();
ok wait_until(sub { $t->read('bans/%2E%2E%2Fodd%20name.bans') =~ /^weir-bans 1 \d+ \d+\n\d+ 1 61\n\z/ }),
    'its file, soon';
is(((stat $t->path('bans/words.bans'))[2] // 0) & 07777, 0600, 'the mode of files');

my $again = Weir::Test->new;
$again->write('html/plain.txt', "plain\n");
is $t->stop, 0, 'a restart';
is join(' ', sort map { s/.*\///r } glob $t->path('bans/*')),
    '%2E%2E%2Fodd%20name.bans addrs.bans nets.bans words.bans', 'the files that are left';
my $file = $t->read('bans/words.bans');
like $file, qr/^weir-bans 1 \d+ \d+\n(?:\d+ \d+ [0-9a-f]+\n)+\z/, 'one of them';

# Two lines are good: one of before, and one that is over.
$t->write('bans/words.bans', $file . "garbage\n0 1 7a\n99999999999 1 zz\n99999999999 200 61\n-1 1 61\n"
    . "9999999999999999 1 71\n99999999999 1 72");
$t->write('bans/addrs.bans', "\0\xff" x 5000);
symlink '/etc/passwd', $t->path('bans/small.bans');
my ($first) = $t;
$t = $again;
$t->run($text =~ s/FOLDER/$first->path('bans')/er =~ s/SIZE/1m/r);
is listed(), join(', ', sort grep({ !/^addrs/ } split /, /, $all), 'words q'), 'keeps bans';
is statuses('/x?k=a', '/plain.txt?k=q', '/x?k=r'), '403 0 404', '... and applies them';
is scalar(lines(qr/\[warn\] .* 5 invalid lines in ".*\/bans\/words\.bans"/)), 1, 'other lines are counted';
is scalar(lines(qr/\[warn\] .*\/bans\/addrs\.bans" is no file of bans, it is not read/)), 1, 'a file that is none';
is scalar(lines(qr/\[error\] .* open\(\) "\S*\/bans\/small\.bans" failed \(40: /)), 1, 'a link';
is from('/addr', ('192.0.2.9') x 3), '404 404 403', 'bans go on';

# ---- a full zone

$t->get("/small?k=$_") for map { ($_, $_) } 1 .. 700;
is statuses('/small?k=700', '/small?k=1'), '403 404', 'a full zone forgets the oldest';
is scalar(lines(qr/\[warn\] .* zone "small" is full: /)), 1, 'said once';

# ---- another binary

$all = listed('words');
my $old = $t->pid;
$t->signal('USR2');
my $new = $t->new_pid($old);
ok $new, 'USR2';
wait_until(sub { listed('words') eq $all });
is listed('words'), $all, 'keeps bans';
$t->signal('QUIT', $old);
ok wait_until(sub { !-e "/proc/$old" || slurp_stat($old) eq 'Z' }), 'the old one ends';
$t->{pid} = $new;
$t->{daemon} = 1;

sub slurp_stat { my ($pid) = @_; open my $f, '<', "/proc/$pid/stat" or return 'Z';
    my $s = <$f> // ''; return $s =~ /\) (\S)/ ? $1 : 'Z' }

# ---- more bans than an answer holds

my ($kind) = $file =~ /^weir-bans 1 \d+ (\d+)$/m;
$t = Weir::Test->new;
$t->write('bans/many.bans', "weir-bans 1 1 $kind\n"
    . join '', map { '99999999999 31 ' . 'ff' x 27 . sprintf("%08x\n", 0x80808080 + $_) } 1 .. 20_000);
$t->write('bans/one.bans', "weir-bans 1 1 $kind\n99999999999 1 61\n");
$t->run($text =~ s/FOLDER/$t->path('bans')/er =~ s/SIZE/1m/r
        =~ s/(?=    server \{)/    ban_zone \$arg_k zone=many:4m;\n    ban_zone \$arg_k zone=one:1m;\n/r);
my ($code, $lines, $says) = weir('ls');
is $code, 0, 'very many bans';
cmp_ok scalar(() = $lines =~ /^many\t/mg), '>', 10_000, '... are listed as far as there is room';
like $says, qr/there are more: older ones, or those of other zones/, '... which is said';
is listed('one'), 'one a', '... and those of another zone where it is named';

# ---- the configuration

my $other = Weir::Test->new;
@bad = (
    'ban_zone $arg_a zone=z' => 'invalid zone size "zone=z"',
    'ban_zone $arg_a zone=z:1k' => 'zone "zone=z:1k" is too small',
    'ban_zone $arg_a size=1m' => 'invalid parameter "size=1m"',
    'ban_zone $arg_b zone=q:1m' => 'ban_zone "q" is already bound to key "$arg_a"',
    'limit_req_zone $arg_a zone=q:1m rate=1r/s' => 'the shared memory zone "q" is already declared for a different use',
    'ban on=404 rate=1r/m' => '"ban" must have "zone" parameter',
    'ban zone=q rate=1r/m' => '"ban" must have "on" parameter',
    'ban zone=q on=404' => '"ban" must have "rate" parameter',
    'ban zone=q on=404, rate=1r/m' => 'invalid status in "on=404,"',
    'ban zone=q on=99 rate=1r/m' => 'invalid status in "on=99"',
    'ban zone=q on=600 rate=1r/m' => 'invalid status in "on=600"',
    'ban zone=q on=404 rate=0r/m' => 'invalid rate "rate=0r/m"',
    'ban zone=q on=404 rate=1r/m for=0' => 'invalid time "for=0"',
    'ban zone=q on=404 rate=1r/m for=11y' => 'invalid time "for=11y"',
    'ban zone=q on=404 rate=1r/m status=200' => 'invalid status "status=200"',
    'ban zone=q on=404 rate=1r/m burst=5' => 'invalid parameter "burst=5"',
    'ban zone=q on=404 rate=1r/m; ban zone=q on=403 rate=1r/m' => '"ban" directive is duplicate',
    'ban zone=none on=404 rate=1r/m' => 'zero size shared memory zone "none"',
);
sub http_of { return "events {}\nhttp {\nban_zone \$arg_a zone=q:1m;\n$_[0];\n}\n" }
while (my ($words, $wanted) = splice @bad, 0, 2) {
    $wanted .= ' in F:4' if $wanted !~ /^zero/;
    is conf_test(http_of($words), test => $other)->{first}, $wanted, $words;
}
like conf_test(http_of('ban zone=none on=404 rate=1r/m'), test => $other, args => ['--lint'])->{err},
    qr/define it in http: ban_zone KEY zone=none:10m;/, 'what is missing';

done_testing;

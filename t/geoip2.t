# SPDX-License-Identifier: BSD-2-Clause
#
# geoip2, geoip2_proxy, geoip2_proxy_recursive: types of values, addresses,
# reloading, files that mean harm.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Mmdb;
use Weir::Test;

need_module('http_rewrite');
my $load = '';
my $lost = qr/stat\(\) "\S+" failed/;

if (is_oracle()) {
    my $file = '/usr/lib/nginx/modules/ngx_http_geoip2_module.so';
    plan(skip_all => 'no geoip2 module') if !-e $file;
    $load = "load_module $file;\n";
} else {
    need_module('geoip2');
}

my @values = (
    u16 => \'uint16 7' => '7', zero => \'uint16 0' => '0',
    u32 => \'uint32 4000000000' => '4000000000',
    u64 => \'uint64 18446744073709551615' => '18446744073709551615',
    i32 => \'int32 -5' => '-5', pi => \'double 3.14159265' => '3.14159',
    half => \'float -2.5' => '-2.50000', yes => \'boolean 1' => '1',
    no => \'boolean 0' => '0', raw => \'bytes abc' => 'abc', none => '' => '',
    word => "na\xc3\xafve" => "na\xc3\xafve", long => 'x' x 300 => 'x' x 300,
    map => { a => 'b' } => 'D', list => [ 'x' ] => 'D',
);
my (%data, %want);
while (my ($name, $value, $text) = splice @values, 0, 3) {
    $data{$name} = $value;
    $want{$name} = $text;
}
my $main = mmdb([
    '127.0.0.0/8' => { %data, at => { iso => 'LO', names => { en => 'Local' } },
                       parts => [ 'p0', { in => 'p1' }, 'p2' ] },
    '10.0.0.0/8' => { at => { iso => 'TEN' } },
    '10.1.0.0/16' => { at => { iso => 'ONE' } },
    '192.168.0.1/32' => { at => { iso => 'HOST' } },
    '2001:db8::/32' => { at => { iso => 'SIX' } },
], alias => 1);

# ---- values and addresses ----

sub config {
    my ($lines, $more) = @_;

    return $load . <<"EOC" . ($more // '');
%%HTTP%%
    geoip2_proxy 127.0.0.0/8; geoip2_proxy 10.1.0.0/16;
    geoip2 main.mmdb {
        auto_reload 1s;
        $lines
        \$iso default=?? at iso; \$deep at names en; \$of_list parts 1 in;
        \$last parts -1; \$beyond default=D parts 3; \$number default=D parts x;
        \$nowhere default=D nope; \$nowhere_at_all nope; \$root default=D;
        \$past default=D at iso more; \$by_arg default=?? source=\$arg_ip at iso;
        \$twice u16; \$twice u32;
        \$built metadata build_epoch; \$checked metadata last_check;
        \$changed metadata last_change;
    }
    geoip2 four.mmdb { \$four default=?? source=\$arg_ip iso; }
    log_format where '[\$iso|\$nowhere_at_all]';
    server {
        listen 127.0.0.1:%%PORT%%;
        listen unix:%%TESTDIR%%/sock;
        access_log %%TESTDIR%%/where.log where;
        location / { return 200 \$iso; }
        location /more { return 200
            '\$deep,\$of_list,\$last,\$beyond,\$number,\$nowhere,\$nowhere_at_all,\$root,\$past,\$twice'; }
        location /ip { return 200 '\$by_arg \$four'; }
        location /meta { return 200 '\$built \$checked \$changed'; }
EOC
}

my $t = Weir::Test->new;
my @names = sort keys %want;
$t->write('main.mmdb', $main);
$t->write('four.mmdb', mmdb([ '10.1.0.0/16' => { iso => 'IV' } ],
                            ip_version => 4));
my $start = time;
$t->run(config(join("\n", map { "\$v_$_ default=D $_;" } @names),
    join('', map { "location /v/$_ { return 200 \$v_$_; }\n" } @names)
    . "} }\n"));

$t->answers(map { ("/v/$_" => $want{$_}) } @names);
$t->answers(
    '/' => 'LO',
    '/more' => 'Local,p1,p2,D,D,D,,D,D,4000000000',
    '/ip?ip=127.0.0.1' => 'LO ??', '/ip?ip=10.1.2.3' => 'ONE IV',
    '/ip?ip=10.0.255.255' => 'TEN ??', '/ip?ip=10.2.0.0' => 'TEN ??',
    '/ip?ip=192.168.0.1' => 'HOST ??', '/ip?ip=192.168.0.2' => '?? ??',
    '/ip?ip=2001:db8::1' => 'SIX ??', '/ip?ip=2001:db9::' => '?? ??',
    '/ip?ip=::1' => '?? ??', '/ip?ip=::10.1.0.1' => 'ONE ??',
    '/ip' => '?? ??', '/ip?ip=' => '?? ??', '/ip?ip=x' => '?? ??',
    '/ip?ip=10.1.2' => '?? ??', '/ip?ip=10.1.2.3:80' => '?? ??',
    '/ip?ip=unix:' => '?? ??',
);
my $mapped = $t->get('/ip?ip=::ffff:10.1.2.3')->body;
is +(split / /, $mapped)[0], 'ONE', 'a mapped address';
is $mapped, 'ONE IV', 'a mapped address, IPv4 file' if !is_oracle();
is $t->get('/', unix => 'sock')->body, '??', 'no address';

sub via { return $t->get('/', headers => [ 'X-Forwarded-For' => $_[0] ])->body }
is via('10.2.0.1'), 'TEN', 'geoip2_proxy';
is via('2001:db8::1'), 'SIX', 'geoip2_proxy: IPv6';
is via('10.2.0.1, 10.1.0.1'), 'ONE', 'geoip2_proxy: one step';
is via('x'), 'LO', 'geoip2_proxy: no address';
my @log = $t->log('where.log');
is $log[0], '[LO|-]', 'access log';
my ($built, $checked, $changed) = split / /, $t->get('/meta')->body;
is $built, 1234567890, 'build_epoch';
cmp_ok $checked - $start, '<', 60, 'last_check';
cmp_ok abs($changed - $start), '<', 60, 'last_change';

# ---- another file in its place ----

sub replace {
    my ($bytes, %opt) = @_;

    $t->write('next.mmdb', $bytes, %opt);
    rename $t->path('next.mmdb'), $t->path('main.mmdb') or die;
}

my ($worker) = $t->worker_pids;
my $then = time + 100;
replace(mmdb([ '0.0.0.0/1' => { at => { iso => 'NEW' } } ],
             build_epoch => \'uint64 2345678901'), mtime => $then);
ok wait_until(sub { $t->get('/')->body eq 'NEW' }), 'auto_reload';
ok $t->wait_log(qr/\[info\] .*Reload MMDB "\S+main.mmdb"/), 'logged';
($built, $checked, $changed) = split / /, $t->get('/meta')->body;
is $built, 2345678901, 'build_epoch';
is $changed, $then, 'last_change is the time of the file';

replace('rubbish', mtime => $then + 100);
ok wait_until(sub {
    $t->get('/');
    grep { /MMDB_open\("\S+main.mmdb"\) failed to reload - The MaxMind DB file contains invalid metadata/ }
        $t->log;
}), 'a broken file is logged';
is $t->get('/')->body, 'NEW', 'the old one stays';

unlink $t->path('main.mmdb');
$t->expect_log($lost);
ok wait_until(sub { $t->get('/'); grep { $_ =~ $lost } $t->log }),
    'a lost file is logged';
is $t->get('/')->body, 'NEW', 'the old one stays';
replace($main, mtime => $then + 200);
ok wait_until(sub { $t->get('/')->body eq 'LO' }), 'there again';
is +($t->worker_pids)[0], $worker, 'the same worker';

SKIP: {
    skip 'the module of nginx ends with the file', 5 if is_oracle();

    truncate $t->path('main.mmdb'), 0;
    is $t->get('/')->body, '??', 'cut off';
    is scalar(grep { /main.mmdb" was cut off/ } $t->log), 1, 'logged once';
    wait_until(sub { $t->get('/'); grep { /empty|failed to reload/ } $t->log });
    is $t->get('/')->body, '??', 'still';
    replace($main, mtime => $then + 300);
    ok wait_until(sub { $t->get('/')->body eq 'LO' }), 'a whole one again';
    is +($t->worker_pids)[0], $worker, 'the same worker';
}

# ---- proxies one after another ----

{
    my $r = Weir::Test->new;
    $r->write("$_.mmdb", $main) for qw(main four);
    my $conf = config('', '} }');
    $conf =~ s/geoip2_proxy 127/geoip2_proxy_recursive on; $&/;
    $r->run($conf);
    my $get = sub {
        $r->get('/', headers => [ 'X-Forwarded-For' => $_[0] ])->body;
    };
    is $get->('10.2.0.1, 10.1.0.1'), 'TEN', 'geoip2_proxy_recursive';
    is $get->('192.168.0.1, 10.2.0.1, 10.1.0.1'), 'TEN', 'the first stranger';
    is $get->('10.1.0.2, 10.1.0.1'), 'ONE', 'proxies only';
}

# ---- files that only the master may read ----

SKIP: {
    skip 'only root has workers with fewer rights', 2 if $> != 0;

    my $u = Weir::Test->new;
    $u->write('main.mmdb', $main, mode => 0600);
    $u->run($load . <<'EOC');
%%HTTP%%
    geoip2 main.mmdb { $iso at iso; }
    server { listen 127.0.0.1:%%PORT%%; return 200 $iso; }
}
EOC
    is $u->get('/')->body, 'LO', 'workers read what the master has opened';
    $u->reload;
    is $u->get('/')->body, 'LO', 'after a reload, too';
}

# ---- workers that began without a file ----

SKIP: {
    skip 'new workers serve a new configuration', 7 if !lives_on();

    my $n = Weir::Test->new;
    my $without = <<'EOC';
%%HTTP%%
    server { listen 127.0.0.1:%%PORT%%; return 200 'no file'; }
}
EOC
    $n->write('main.mmdb', $main, mode => 0600);
    $n->run($without);
    is $n->get('/')->body, 'no file', 'workers without a file';
    my @pids = $n->worker_pids;
    ok $n->reload(<<'EOC'), 'a file comes';
%%HTTP%%
    geoip2 main.mmdb { $iso default=?? at iso; }
    server { listen 127.0.0.1:%%PORT%%; return 200 $iso; }
}
EOC
    is $n->get('/')->body, 'LO', 'it is read';
    truncate $n->path('main.mmdb'), 0;
    is $n->get('/')->body, '??', 'cut off';
    ok $n->reload($without), 'it goes';
    is_deeply [$n->worker_pids], \@pids, 'the same workers';
    is scalar(grep { (readlink($_) // '') =~ /mmdb/ } glob "/proc/$pids[0]/fd/*"),
        0, 'nothing of it is left open';
}

# ---- one process, which reads its configuration again ----

{
    my $s = Weir::Test->new;
    my $write = sub {
        my ($iso, $at) = @_;
        $s->write('next.mmdb', mmdb([ '127.0.0.0/8' => $iso ]), mtime => $at);
        rename $s->path('next.mmdb'), $s->path('main.mmdb') or die;
    };
    $write->('first', time - 10);
    $s->run("master_process off;\n$load" . <<'EOC');
%%HTTP%%
    geoip2 main.mmdb { auto_reload 1s; $iso; }
    geoip2 ./main.mmdb { $same default=D; }
    server { listen 127.0.0.1:%%PORT%%; return 200 '$iso $same'; }
}
EOC
    is $s->get('/')->body, 'first first', 'one process';
    $write->('second', time + 100);
    ok wait_until(sub { $s->get('/')->body eq 'second first' }),
        'auto_reload, where it is asked for';
    SKIP: {
        skip 'the module of nginx finds nothing then', 2 if is_oracle();

        $s->signal('HUP');
        ok wait_until(sub { $s->get('/')->body eq 'second second' }),
            'read again';
        $write->('third', time + 200);
        ok wait_until(sub { $s->get('/')->body eq 'third second' }),
            'auto_reload after that';
    }
}

# ---- files that mean harm ----

SKIP: {
    skip 'the library does not survive some of them', 7 if is_oracle();

    my $mark = Weir::Mmdb::encode(\'bytes MARK');
    my $hostile = sub {
        my ($bytes) = @_;
        my $db = mmdb([ '127.0.0.0/8' => \'bytes MARK' ]);

        $db =~ s/\Q$mark\E/$bytes/ or die;
        return $db;
    };
    my $h = Weir::Test->new;
    my %file = (
        depth => "\xe2\x41a" . "\xe1\x40" x 1_000_000 . "\x40\x41b\x41x",
        loop => "\x20\x00", size => "\xff\xff\xff\xff\x41a\x41x",
        type => "\x00\x05", cut => "\xe1\x41b\x5f\xff\xff\xff",
    );
    my $conf = '%%HTTP%%';
    for my $name (sort keys %file) {
        $h->write("$name.mmdb", $hostile->($file{$name}));
        $conf .= "geoip2 $name.mmdb { \$v_$name default=D b; }\n";
    }
    $conf .= "server { listen 127.0.0.1:%%PORT%%;\n";
    $conf .= "location /$_ { return 200 \$v_$_; }\n" for keys %file;
    $h->run("$conf } }");
    $h->answers('/depth' => 'x', map { ("/$_" => 'D') } qw(loop size type cut));
    ok !conf_test('load_module modules/ngx_http_geoip2_module.so; events {}')
        ->{code}, 'load_module is accepted';
    my $wild = $main;
    substr $wild, 0, 60, "\xff" x 60; # records that point anywhere
    $h->write('wild.mmdb', $wild);
    is conf_test("events {} http { geoip2 wild.mmdb { \$a b; } }", test => $h)
        ->{code}, 0, 'records that point anywhere';
}

# ---- messages ----

my $m = Weir::Test->new;
$m->write('main.mmdb', $main);
$m->write('cut.mmdb', substr $main, 0, length($main) - 400);
$m->write('tail.mmdb', substr $main, -300);
$m->write('rubbish.mmdb', "hello\n" x 1000);
$m->write('empty.mmdb', '');
$m->mkdir('folder');

sub first {
    my $r = conf_test("${load}events {}\nhttp {\n$_[0]\n}\n", test => $m);
    my $dir = $m->dir;
    return ($r->{first} =~ s/\Q$dir\E/D/r) =~ s/F:\d+$/F/r;
}

my $opened = 'MMDB_open("D/%s") failed - %s in F';
my $invalid = 'The MaxMind DB file contains invalid metadata';
my $unread = 'An attempt to read data from the MaxMind DB file failed';
my $ok = 'the configuration file F syntax is ok';
my $loose = 'invalid number of arguments in "geoip2" directive in F';
my @table = (
    'geoip2 main.mmdb { }' => $ok,
    'geoip2 cut.mmdb { }' => sprintf($opened, 'cut.mmdb', $invalid),
    'geoip2 rubbish.mmdb { }' => sprintf($opened, 'rubbish.mmdb', $invalid),
    'geoip2 empty.mmdb { }' => sprintf($opened, 'empty.mmdb', $unread),
    'geoip2 folder { }' => sprintf($opened, 'folder', $unread),
    'geoip2 { }' => $loose, 'geoip2 a b { }' => $loose,
    'geoip2 main.mmdb;' => 'directive "geoip2" has no opening "{" in F',
    'geoip2 main.mmdb { $a b; } geoip2 main.mmdb { $c d; }' =>
        'Duplicate GeoIP2 mmdb - D/main.mmdb in F',
    'server { geoip2 main.mmdb { } }' =>
        '"geoip2" directive is not allowed here in F',
    'geoip2_proxy x;' => 'invalid network "x" in F',
    'geoip2_proxy unix:;' => 'invalid network "unix:" in F',
    'geoip2_proxy 10.0.0.1/8;' =>
        'low address bits of 10.0.0.1/8 are meaningless in F',
    'geoip2_proxy 10.0.0.0/8; geoip2_proxy ::1;' => $ok,
    'geoip2_proxy_recursive on; geoip2_proxy_recursive off;' =>
        '"geoip2_proxy_recursive" directive is duplicate in F',
    'server { geoip2_proxy ::1; }' =>
        '"geoip2_proxy" directive is not allowed here in F',
    map({ ("geoip2 main.mmdb { $_->[0]; }" => $_->[1]) }
        [ 'auto_reload', 'invalid number of arguments for auto_reload in F' ],
        [ 'auto_reload 1 2', 'invalid number of arguments for auto_reload in F' ],
        [ 'auto_reload 1m; auto_reload 0', $ok ],
        [ 'foo', 'invalid setting "foo" in F' ],
        [ 'include x', 'invalid setting "include" in F' ],
        [ '"" b', 'invalid setting "" in F' ],
        [ '$ b', 'invalid variable name "$" in F' ],
        [ '$uri b', 'the duplicate "uri" variable in F' ],
        [ '$a default=x default=y b',
          'default has already been declared for  "$a" in F' ],
        [ '$a source=$args source=$uri b',
          'source has already been declared for  "$a" in F' ],
        [ '$a default= b', 'invalid setting "default=" for "$a" in F' ],
        [ '$a source= b', 'invalid setting "source=" for "$a" in F' ],
        [ '$a foo=x b', 'invalid setting "foo=x" for "$a" in F' ],
        [ '$a source=1.2.3.4 b',
          'invalid source variable name "1.2.3.4" in F' ],
        [ '$a source=$nope b', 'unknown "nope" variable' ],
        [ '$a b c=d', $ok ], [ '$a', $ok ], [ '$a default=x', $ok ],
        [ '$a metadata build_epoch x', $ok ]),
);
while (my ($text, $message) = splice @table, 0, 2) {
    is first($text), $message, $text;
}
like first('geoip2 nofile.mmdb { }'),
    qr{^MMDB_open\("D/nofile.mmdb"\) failed - Error opening the specified MaxMind DB file},
    'no file';

$m->write('sub/n.conf', "${load}events {}\nhttp { geoip2 main.mmdb { } }\n");
is +(run_binary({ dir => $m->dir }, '-t', '-p', $m->dir . '/', '-c',
    'sub/n.conf', '-e', 'error.log'))[0], 0, 'a path is under the prefix';

if (!is_oracle()) {
    is first('geoip2 main.mmdb { auto_reload x; }'),
        'invalid interval for auto_reload "x" in F', 'auto_reload x';
    is first('geoip2 main.mmdb { $a metadata nope; }'),
        'unknown metadata field "nope" in F', 'a field of no metadata';
    system 'mkfifo', $m->path('pipe') and die;
    is first('geoip2 pipe { }'), sprintf($opened, 'pipe', $unread), 'a pipe';
    isnt first('geoip2 tail.mmdb { }'), $ok, 'without its tree';
}

done_testing;

# SPDX-License-Identifier: BSD-2-Clause
#
# Names of upstream servers as the system looks them up: resolv.conf with search
# and ndots, the hosts file, and changes of both.  In a network and an /etc of its
# own, so only as root.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Time::HiRes qw(sleep);
use Weir::DNS;
use Weir::Test;

if (is_oracle()) {
    plan(skip_all => 'nginx asks the system at the start only');
    exit;
}
if (!$ENV{WEIR_OWN_ETC}) {
    my @own = qw(unshare --mount --net);
    if ($> != 0 || system("@own ip link set lo up 2>/dev/null") != 0) {
        plan(skip_all => 'needs namespaces');
        exit;
    }
    $ENV{WEIR_OWN_ETC} = 1;
    exec @own, $^X, $0 or die "unshare: $!\n";
}

my $t = Weir::Test->new;
my $etc = $t->path('etc');
system("ip link set lo up && cp -a /etc $etc && mount --bind $etc /etc") == 0
    or die "no /etc of its own\n";

sub put {
    my ($name, $text) = @_;
    open my $out, '>', "/etc/$name.new" or die "$name: $!\n";
    print {$out} $text;
    close $out;
    rename "/etc/$name.new", "/etc/$name" or die "$name: $!\n";
}

my $dns = Weir::DNS->new($t, port => 53);
my $up = Weir::Ports::free_port();
for my $n (1 .. 4) {
    Weir::Backend->http(sub {
        return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$n";
    }, host => "127.0.0.$n", port => $up);
}

put('nsswitch.conf', "hosts: files dns\n");
put('resolv.conf', "nameserver 127.0.0.1\nsearch a.test b.test\n"
    . "options ndots:2 timeout:1 attempts:1\n");
put('hosts', "127.0.0.1 localhost\n127.0.0.3 filed\n");
$dns->set('db.b.test' => ['A 1 127.0.0.1'], 'full.test' => ['A 1 127.0.0.1'],
          'fixed.test' => ['A 1 127.0.0.1'], 'old.test' => ['A 1 127.0.0.1']);

$t->run(<<"EOC");
%%HTTP%%
    upstream fixed { server fixed.test:$up resolve=off; }
    upstream off { upstream_resolve off; server fixed.test:$up; }
    upstream live { upstream_resolve off; server fixed.test:$up resolve; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /db { proxy_pass http://db:$up; }
        location /full { proxy_pass http://full.test:$up; }
        location /filed { proxy_pass http://filed:$up; }
        location /late { proxy_pass http://late:$up; }
        location /old { proxy_pass http://old.test:$up; }
        location /fixed { proxy_pass http://fixed; }
        location /off { proxy_pass http://off; }
        location /live { proxy_pass http://live; }
    }
}
EOC

sub body { return $t->get("/$_[0]")->body }
sub becomes {
    my ($path, $wanted) = @_;
    return wait_until(sub { body($path) eq $wanted });
}

is body('db'), 1, 'a short name, by search';
is body('full'), 1, 'a name with dots';
is body('filed'), 3, 'the hosts file';
is $t->get('/late')->status, 502, 'nobody knows it';
ok becomes('live', 1), 'resolve without a resolver';

$dns->set('db.b.test' => ['A 1 127.0.0.2'], 'full.test' => ['A 1 127.0.0.2'],
          'fixed.test' => ['A 1 127.0.0.2']);
ok becomes('db', 2), 'another address';
ok becomes('full', 2), 'of both';
ok becomes('live', 2), 'resolve stands over upstream_resolve off';
is body($_), 1, "$_ keeps the start's" for qw(fixed off);

# db.a.test comes before db.b.test
$dns->set('db.a.test' => ['A 1 127.0.0.4']);
ok becomes('db', 4), 'the first of search';

is scalar(grep { /^filed/ } $t->read('dns1.log')), 0, 'of hosts, nobody is asked';
put('hosts', "127.0.0.1 localhost\n127.0.0.4 filed\n127.0.0.2 late\n");
ok becomes('filed', 4), 'the hosts file has changed';
ok becomes('late', 2), 'and has another name';

# Another name server, where the first one was.
my $two = Weir::DNS->new($t, port => 5353);
$dns->stop;
put('resolv.conf', "nameserver 127.0.0.2\nnameserver 127.0.0.1\n"
    . "options timeout:1 attempts:1\n");
sleep 1.5;
is body('old'), 1, 'no name server: what was known is kept';
$dns->set('old.test' => ['A 1 127.0.0.3']);
$dns->start;
ok wait_until(sub { body('old') eq 3 }, 20), 'the second one of another resolv.conf';
like join('', $t->log), qr/\[notice\].*the system looks names up in another way/,
    'is logged';

done_testing;

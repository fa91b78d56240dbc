# SPDX-License-Identifier: BSD-2-Clause
#
# resolver with status_zone=: what was asked, in all workers, and what came of it,
# through the API and over reloads; a name server that is not there is told of
# once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Weir::DNS;
use Weir::Test;

plan skip_all => 'commercial' if is_oracle();
plan skip_all => 'built without jansson'
    if (run_binary('doc', 'api'))[1] !~ /Syntax/;

my $t = Weir::Test->new;
my $dns = Weir::DNS->new($t);
my $up = $t->port('up');
$dns->set('good.test' => ['A 60 127.0.0.1'], 'fail.test' => ['rcode 2'],
          'refuse.test' => ['rcode 5'], 'silent.test' => ['silent'],
          '_web._tcp.srv.test' => ["SRV 60 1 1 $up good.test"]);

sub conf {
    my ($word) = @_;
    return <<"EOC";
%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    resolver @{[ $dns->address ]} ipv6=off status_zone=outer;
    resolver_timeout 1s;
    upstream srv { zone srv 64k; server srv.test service=web resolve;
                   resolver @{[ $dns->address ]} ipv6=off status_zone=inner; }
    server { listen 127.0.0.1:%%PORT_up%%; return 200 up; }
    server {
        listen 127.0.0.1:%%PORT%%;
        location /to/ { proxy_pass http://\$arg_name:%%PORT_up%%; }
        location /srv { proxy_pass http://srv; }
        location /word { return 200 $word; }
        location /api { api write=on; allow 127.0.0.1; deny all; }
        location /read/ { api; }
    }
}
EOC
}
$t->run(conf('w0'));
$t->expect_log(qr/could not be resolved|Connection refused/);

sub get { return decode_json($t->get("/api/9/resolvers/$_[0]")->body) }
sub to { return $t->get("/to/?name=$_[0].test")->status }
sub is_counted {
    my ($zone, $part, $wanted, $what) = @_;
    my $got;
    my %all = ((map { ($_ => 0) } $part eq 'requests' ? qw(name srv addr)
                : qw(noerror formerr servfail nxdomain notimp refused timedout
                     unknown)), %$wanted);
    wait_until(sub { $got = get($zone)->{$part};
                     !grep { $got->{$_} != $all{$_} } keys %all });
    is_deeply $got, \%all, $what;
}

is_deeply [sort @{ get('?fields=') }], [qw(inner outer)], 'zones';
is to('good'), 200, 'a name' for 1 .. 3;
is to($_), 502, $_ for qw(fail refuse silent none);
is_counted('outer', 'requests', { name => 7 }, 'what was asked');
is_counted('outer', 'responses', { noerror => 3, servfail => 1, refused => 1,
                                   timedout => 1, nxdomain => 1 },
           '... and what came of it');
ok wait_until(sub { $t->get('/srv')->body eq 'up' }), 'a service';
is_counted('inner', 'requests', { srv => 1, name => 1 }, '... in its own zone');
is_deeply [sort keys %{ get('') }], [qw(inner outer)], 'all of them';
is_deeply [keys %{ get('outer?fields=requests') }], ['requests'], 'a field';

# ---- over a reload

$t->conf(conf('w1'));
$t->signal('HUP');
ok wait_until(sub { $t->get('/word')->body eq 'w1' }), 'a reload';
is_counted('outer', 'requests', { name => 7 }, '... goes on counting');

# ---- what is deleted, and refused

is $t->request('DELETE', '/read/9/resolvers/outer')->status, 405, 'not to be written';
is $t->request('DELETE', '/api/9/resolvers/outer')->status, 204, 'deleted';
is_counted('outer', 'requests', {}, '... begins anew');
is_counted('outer', 'responses', {}, '... wholly');
is $t->request('DELETE', '/api/9/resolvers')->status, 405, 'not all at once';
is $t->request('POST', '/api/9/resolvers/outer', body => '{}')->status, 405, 'nor changed';
is $t->get('/api/9/resolvers/nowhere')->status, 404, 'a zone that is not there';
is $t->get('/api/9/resolvers/outer/x')->status, 404, 'a path that is not there';
like conf_test("events { }\nhttp { resolver 127.0.0.1 status_zone=; }\n")->{lines}[0],
    qr/invalid parameter: status_zone=/, 'no name';

# ---- a name server that is not there

sub refusals { return scalar grep { /recv\(\) failed .*Connection refused\) while resolving/ } $t->log }
$t->stop;
(my $one = conf('w2')) =~ s/worker_processes 2;/worker_processes 1;/;
$one =~ s/upstream srv .*?\n.*?\}//;
$one =~ s/location .srv .*?\}//;
$dns->stop;
$t->run($one);
$t->expect_log(qr/could not be resolved|Connection refused/);
is to("n$_"), 502, 'no name server' for 1 .. 4;
ok wait_until(sub { refusals() > 0 }), '... which is logged';
is refusals(), 1, '... once';
$dns->start;
ok wait_until(sub { to('good') == 200 }), 'it is back';
$dns->stop;
is to("m$_"), 502, 'it is gone again' for 1 .. 2;
ok wait_until(sub { refusals() > 1 }), '... which is logged';
is refusals(), 2, '... once';

done_testing;

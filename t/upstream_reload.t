# SPDX-License-Identifier: BSD-2-Clause
#
# What a process knows about the servers of a group outlives a reload that it
# goes through: failures, connections, and whose turn it is.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Weir::Test;

plan skip_all => 'an nginx begins anew' if is_oracle();

my %backend = map {
    my $name = $_;

    $name => Weir::Backend->http(sub {
        my ($request) = @_;

        my ($go) = $request->uri =~ m{^/slow\?(.+)};
        wait_until(sub { -e $go }) if $go;
        return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n$name";
    })
} 'a' .. 'c';
my %port = map { $_ => $backend{$_}->port } keys %backend;

sub conf {
    my ($how, $word, @servers) = @_;
    my $servers = join ' ', map { "server 127.0.0.1:$_;" } @servers;

    return <<"EOC";
%%GLOBALS%%
$how
worker_processes 1;
events { }
http {
    %%GLOBALS_HTTP%%
    upstream u { $servers }
    server {
        listen 127.0.0.1:%%PORT%%;
        add_header X-Tried \$upstream_addr always;
        location / { proxy_pass http://u; }
        location /word { return 200 $word; }
    }
}
EOC
}

# $how: what makes it one process that goes through all reloads.
sub test {
    my ($how) = @_;
    my $words = 0;

    my $t = Weir::Test->new;
    my $go = $t->path('go');
    my $dead = $t->port('dead');
    my $ask = sub { join '', map { $t->get('/')->body } 1 .. $_[0] };
    my $reload = sub {
        my $word = 'w' . ++$words;

        $t->conf(conf($how, $word, @_));
        $t->signal('HUP');
        return ok wait_until(sub { $t->get('/word')->body eq $word }), "reload $words";
    };
    my $tried = sub { join ' ', map { $t->get('/')->header('X-Tried') } 1 .. $_[0] };

    $backend{a}->forget;
    $t->run(conf($how, 'w0', @port{qw(a b c)}));
    is $ask->(4), 'abca', 'round robin';
    $reload->(@port{qw(a b c)});
    is $ask->(4), 'bcab', 'it goes on after a reload';
    is $backend{a}->requests, 3, 'one server has had three requests';
    is $backend{a}->connections, 1, 'over one connection';

    my $out = "$dead max_fails=1 fail_timeout=1000s";
    $t->expect_log(qr/Connection refused|temporarily disabled/);
    $reload->($port{a}, $out);
    is +(() = $tried->(4) =~ /:$dead/g), 1, 'one does not answer, and is asked once';
    $reload->($port{a}, $port{b}, $out);
    my $after = $tried->(6);
    unlike $after, qr/:$dead/, 'it is not asked after a reload, with another server beside it';
    is +(() = $after =~ /:$port{b}/g), 3, 'the others take turns';

    $reload->("$port{a} max_conns=1", "$port{b} max_conns=1");
    my @slow = map { my $c = $t->connect; $c->send_request('GET', "/slow?$go"); $c } 1 .. 2;
    $t->expect_log(qr/no live upstreams/);
    ok wait_until(sub { $t->get('/')->status == 502 }), 'all have a connection';
    $reload->("$port{a} max_conns=1", "$port{b} max_conns=1", $port{c});
    is $ask->(3), 'ccc', 'still after a reload, so that a new one is asked';
    $t->write('go', '');
    is join('', sort map { $_->read_response->body } @slow), 'ab', 'these end';
    ok wait_until(sub { join('', sort split //, $ask->(3)) eq 'abc' }), 'and all are asked';
    $t->stop;
    return;
}

subtest 'one process' => sub { test('master_process off;') };
SKIP: {
    skip 'a sanitizer build has other workers', 1 if !lives_on();
    subtest 'a worker' => sub { test('') };
}

done_testing;

# SPDX-License-Identifier: BSD-2-Clause
#
# The quick start of README.md, word for word but for ports and folders: its
# configuration, conf/proxy_app and its commands, before a real application in
# Express.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP qw(decode_json);
use Weir::Node;
use Weir::Test qw(:DEFAULT binary_path top_folder);
use Weir::WebSocket;

need_version('1.29.3');         # $request_port
need_node();

my $top = top_folder();
my $readme = Weir::Test::slurp("$top/README.md");
my ($section) = $readme =~ /^## Before your Node or Python application\n(.*?)^## /ms;
my ($conf) = $section =~ /^```nginx\n(.*?)^```/ms;
my ($commands) = $section =~ /^```sh\n(.*?)^```/ms;

# What a reader puts in, and the place where it is run
my $t = Weir::Test->new;
my $dir = $t->dir;
for (["listen                80;", "listen 127.0.0.1:%%PORT%%;"],
     ["127.0.0.1:3000", "127.0.0.1:%%PORT_app%%"],
     ["root     /srv/app;", "root %%TESTDIR%%/app;"]) {
    my ($what, $by) = @$_;
    is scalar($conf =~ s/\Q$what\E/$by/), 1, "README: $what";
}
my $proxy_app = Weir::Test::slurp("$top/conf/proxy_app");
$t->write('conf/nginx.conf', $t->expand($conf));
$t->write('conf/mime.types', Weir::Test::slurp("$top/conf/mime.types"));
$t->write('conf/proxy_app', $proxy_app);
$t->write('app/static/site.css', "body { color: green }\n");

my %run = map { m{^sudo (/usr/local/weir/sbin/weir(.*?)) +\# (\w+)} ? ($3 => $2) : () }
    split /\n/, $commands;
is join(' ', sort keys %run), 'after start stop test', 'README: the commands';

sub command {
    my ($name) = @_;

    my @words = split ' ', $run{$name};
    my @first = @words && $words[0] =~ /^\w/ ? shift @words : ();

    return run_binary({ dir => $dir }, @first, '-p', "$dir/",
                      '-c', 'conf/nginx.conf', '-e', 'logs/error.log', @words);
}

my ($code, undef, $err) = command('test');
is $code, 0, 'test' or diag $err;
unlike $err, qr/\[(?!info)/, 'there is nothing to warn of';
start_instance('server.js', app => $t->port('app'));
is +(command('start'))[0], 0, 'start';
ok wait_until(sub { $t->read('logs/nginx.pid') }), 'it runs';

sub site { return $t->get(shift, host => 'example.com:8443', @_) }

# ---- what the application sees ----

my $said = decode_json(site('/?a=1', local => '127.0.0.2',
    headers => ['X-Forwarded-For' => '203.0.113.7', 'X-Forwarded-Proto' => 'https',
                'X-Forwarded-Host' => 'evil.test', 'X-Real-IP' => '203.0.113.7'])
    ->body);
is $said->{ip}, '127.0.0.2', 'the address of the client, whatever it says';
is $said->{realIp}, '127.0.0.2', 'also in X-Real-IP';
is $said->{forwarded}, '203.0.113.7, 127.0.0.2', 'what it says stands before it';
is $said->{protocol}, 'http', 'the scheme';
is $said->{host}, 'example.com', 'the host';
is $said->{url}, '/?a=1', 'the URI';
is site('/login')->header('Location'), 'http://example.com:8443/home?from=login',
    'a redirect has the port that the client uses';
is $t->get('/login', host => 'example.com')->header('Location'),
    'http://example.com/home?from=login', 'or none';

# ---- files, uploads, streams, WebSockets ----

my $r = site('/static/site.css');
is $r->status . ' ' . $r->header('Content-Type'), '200 text/css', 'a static file';
is $r->header('X-Instance'), undef, 'the application has nothing to do with it';
is $t->post('/upload', 'x' x (19 << 20), host => 'example.com')->status, 200,
    'an upload of 19 MB';
is $t->post('/upload', 'x' x (21 << 20), host => 'example.com')->status, 413,
    'one of 21 MB is refused';

my $events = $t->connect;
$events->send_request('GET', '/events', host => 'example.com');
ok $events->read_until(qr/id: 1\n.*?id: 3\n/s), 'events come while there is no end';
$events->close;

my ($c, $open) = ws_open($t, '/ws', host => 'example.com');
is $open->status, 101, 'a WebSocket';
is +(ws_read($c))[1], 'app 127.0.0.1', 'says something';
ws_send($c, 'hello');
is +(ws_read($c))[1], 'hello', 'and answers';

# ---- reload and stop ----

my $pid = $t->read('logs/nginx.pid') + 0;
is +(command('after'))[0], 0, 'reload';
ws_send($c, 'still there');
is +(ws_read($c))[1], 'still there', 'the WebSocket goes on';
is site('/')->status, 200, 'and so does all else';
ws_send($c, pack('n', 1000), 8);
ws_read($c);
$c->close;
is +(command('stop'))[0], 0, 'stop';
ok wait_until(sub { !-e "/proc/$pid" }), 'it has stopped';
is join("\n", grep { /\[(?:alert|crit|emerg)\]/ } $t->log('logs/error.log')), '',
    'nothing bad was logged';

# ---- proxy_app in other places ----

my $s = Weir::Test->new;
$s->write('proxy_app', $proxy_app);
$s->run(<<"EOC");
%%HTTP%%
    include proxy_app;
    server {
        listen 127.0.0.1:%%PORT%%;
        location / { proxy_pass http://127.0.0.1:${\ $t->port('app')}; }
    }
}
EOC
is decode_json($s->get('/')->body)->{realIp}, '127.0.0.1', 'included in http';
is +(ws_open($s, '/ws'))[1]->status, 101, 'there, too, for WebSockets';

done_testing;

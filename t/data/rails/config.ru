# SPDX-License-Identifier: BSD-2-Clause
#
# A Rails application in one file: forms, sessions, files, streams, and a
# channel of Action Cable.  $APP_ROOT is its folder: public/ and shared/.

require 'rails'
require 'action_controller/railtie'
require 'action_cable/engine'
require 'digest'

class Application < Rails::Application
  config.root = ENV.fetch('APP_ROOT')
  config.load_defaults 6.1
  config.eager_load = false
  config.secret_key_base = 'k' * 64
  config.logger = Logger.new($stderr)
  config.log_level = :warn
  config.consider_all_requests_local = false
  config.public_file_server.enabled = false
  config.action_dispatch.x_sendfile_header = 'X-Accel-Redirect'
  config.session_store :cookie_store, key: '_application_session'
  config.action_cable.cable = { 'adapter' => 'async' }
  config.action_cable.allow_same_origin_as_host = true
  config.action_cable.mount_path = '/cable'
  config.action_controller.allow_forgery_protection = true
  config.cache_store = :null_store
end

Application.initialize!

module ApplicationCable
  class Connection < ActionCable::Connection::Base
  end
end

class ChatChannel < ActionCable::Channel::Base
  def subscribed
    stream_from 'chat'
  end

  def say(data)
    ActionCable.server.broadcast('chat', { 'said' => data['text'] })
  end
end

class PagesController < ActionController::Base
  skip_forgery_protection only: :request_facts
  PAGE = <<~'ERB'
    <p><%= flash[:notice] %></p>
    <%= form_with url: '/pages', multipart: true do |form| %>
      <%= form.text_field :title %>
      <%= form.file_field :file %>
    <% end %>
  ERB

  def new
    render inline: PAGE
  end

  def create
    file = params[:file]
    session[:title] = params[:title]
    flash[:notice] = 'created ' + params[:title].to_s
    flash[:notice] += " with #{digest(file.original_filename, file.read)}" if file
    redirect_to '/pages/new'
  end

  def show
    if stale?(etag: params[:id], last_modified: Time.at(1_000_000_000), public: true)
      render plain: "page #{params[:id]} " * 100
    end
  end

  def mine
    3.times { |i| cookies["c#{i}"] = { value: "v #{i}", path: '/', httponly: true } }
    render plain: "of #{session[:title]}"
  end

  def request_facts
    render json: {
      url: request.original_url, ip: request.remote_ip, ssl: request.ssl?,
      method: request.request_method, path: request.fullpath, port: request.port,
      headers: request.env.select { |name, _| name.start_with?('HTTP_') }
    }
  end

  def download
    send_file Rails.root.join('shared', params[:name]).to_s, type: 'text/plain'
  end

  def picture
    send_data "\x89PNG" + "\0" * 5000, type: 'image/png', disposition: 'inline'
  end

  def pieces
    headers['Last-Modified'] = Time.at(0).httpdate # or ETag reads all of it
    self.response_body = (1..40).lazy.map { |i| "#{i}:" + 'x' * 10_000 + "\n" }
  end

  def teapot
    render plain: "short and stout\n", status: 418
  end

  def boom
    raise 'boom'
  end

  private

  def digest(name, data)
    "#{name} #{data.bytesize} #{Digest::MD5.hexdigest(data)}"
  end
end

class RawController < ActionController::Metal
  def echo
    data = request.body.read
    self.content_type = 'text/plain'
    self.response_body = "#{request.request_method} #{data.bytesize} #{Digest::MD5.hexdigest(data)}"
  end
end

class EventsController < ActionController::Base
  include ActionController::Live

  before_action do
    headers['X-Accel-Buffering'] = 'no'
    headers['Last-Modified'] = Time.now.httpdate
  end

  def index
    headers['Content-Type'] = 'text/event-stream'
    events = SSE.new(response.stream, event: 'tick')
    events.write({ n: 1 }, id: 1)
    sleep 0.01 until File.exist?(Rails.root.join('go'))
    events.write({ n: 2 }, id: 2)
  ensure
    events.close
  end

  def endless
    1.step { |n| response.stream.write("#{n}\n"); sleep 0.02 }
  rescue ActionController::Live::ClientDisconnected, IOError
    File.write(Rails.root.join('left'), '')
  ensure
    response.stream.close
  end
end

Application.routes.draw do
  get '/', to: redirect('/pages/new')
  resources :pages, only: %i[new create show]
  get '/mine', to: 'pages#mine'
  match '/facts(/*more)', to: 'pages#request_facts', via: :all, format: false
  get '/download/:name', to: 'pages#download', constraints: { name: /[^\/]+/ }
  get '/picture', to: 'pages#picture'
  get '/pieces', to: 'pages#pieces'
  get '/teapot', to: 'pages#teapot'
  get '/boom', to: 'pages#boom'
  match '/echo', to: 'raw#echo', via: :all
  get '/events', to: 'events#index'
  get '/endless', to: 'events#endless'
end

run Application
